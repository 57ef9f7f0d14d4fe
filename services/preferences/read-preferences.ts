import type { NearCache } from "../../lib/revocation/near-cache.ts";
import { idTime } from "../../lib/runtime/ids.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { defaults, type PreferencesView } from "./defaults.ts";
import type { PreferencesRow } from "./preferences.entities.ts";
import { readPreferences } from "./preferences.repo.ts";

/** Who never chose anything has the defaults, since the account was made. */
export async function preferencesOf(
  { db, kept }: { readonly db: Database; readonly kept: NearCache<PreferencesView> },
  userId: string,
): Promise<PreferencesView> {
  const load = async () => viewPreferences(userId, await readPreferences(db, userId));
  return (await kept.read(userId, load)) ?? load();
}

export function viewPreferences(
  userId: string,
  row: Pick<PreferencesRow, "overrides" | "updated_at"> | undefined,
): PreferencesView {
  return {
    user_id: userId,
    ...defaults,
    ...row?.overrides,
    updated_at: (row?.updated_at ?? madeAt(userId)).toISOString(),
  };
}

function madeAt(userId: string): Date {
  try {
    return idTime(userId);
  } catch {
    // An id that was brought along from elsewhere says no time.
    return new Date(0);
  }
}
