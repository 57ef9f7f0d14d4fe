import type { Database } from "../../mixins/database.mixin.ts";
import { type ExportSection, eventsSection, fewOf } from "../../mixins/export-pages.ts";
import { readPreferences } from "./preferences.repo.ts";
import { viewPreferences } from "./read-preferences.ts";

export function exportSections(db: Database): readonly ExportSection[] {
  return [
    fewOf("preferences", async (userId) => [viewPreferences(userId, await readPreferences(db, userId))]),
    eventsSection(db),
  ];
}
