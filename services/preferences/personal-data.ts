import type { Call } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import { eraseUser } from "../../mixins/personal-data/erasure.ts";
import { type ExportSection, eventsSection, fewOf } from "../../mixins/personal-data/export-pages.ts";
import { deletePreferences, readPreferences } from "./preferences.repo.ts";
import { type PreferencesDeps, viewPreferences } from "./read-preferences.ts";

export function exportSections(db: Database): readonly ExportSection[] {
  return [
    fewOf("preferences", async (userId) => [viewPreferences(userId, await readPreferences(db, userId))]),
    eventsSection(db),
  ];
}

export function erasePreferences(
  { caches }: Pick<PreferencesDeps, "caches">,
  call: Call,
  userId: string,
): Promise<Record<string, number>> {
  return eraseUser(caches.invalidating(call, userId), userId, async (tx) => ({
    preferences: await deletePreferences(tx, userId),
  }));
}
