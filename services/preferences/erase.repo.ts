import type { Database } from "../../mixins/database.mixin.ts";
import { deleteOf, eraseUser } from "../../mixins/erasure.ts";

export function erasePreferences(db: Database, userId: string): Promise<Record<string, number>> {
  return eraseUser(db, userId, async (tx) => ({
    preferences: await deleteOf(tx, "DELETE FROM preferences.preferences WHERE user_id = $1", userId),
  }));
}
