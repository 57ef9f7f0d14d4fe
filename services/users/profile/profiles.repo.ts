import { columnsOf } from "../../../lib/database/entity.ts";
import type { Queryable } from "../../../mixins/database/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { type ProfileRow, Profiles } from "../users.entities.ts";

/** Null if the profile was never changed. */
export async function readProfile(on: Queryable, userId: string): Promise<ProfileRow | null> {
  const sql = `SELECT ${columnsOf(Profiles, "p")} FROM users.profiles p WHERE user_id = $1`;
  const [row] = await on.query<ProfileRow>(sql, [userId]);
  return row ?? null;
}

export async function writeProfile(tx: InvalidatingTransaction, row: ProfileRow): Promise<void> {
  await tx.repository(Profiles).upsert(row, ["user_id"]);
}

export type SealedProfile = Pick<ProfileRow, "user_id"> & { readonly sealed: string };

/**
 * Profiles sealed under another key than `kid`. Two comparisons instead of `<>`, which can't use the index
 * `profiles_key`.
 */
export function profilesNotUnder(on: Queryable, kid: string, limit: number): Promise<SealedProfile[]> {
  const under = (comparison: string) => `SELECT user_id, sealed FROM users.profiles
    WHERE sealed IS NOT NULL AND split_part(sealed, '.', 2) ${comparison} $1 LIMIT $2`;
  return on.query<SealedProfile>(`(${under("<")}) UNION ALL (${under(">")}) LIMIT $2`, [kid, limit]);
}

/** Changes nothing and returns false if the profile has changed since it was read. */
export async function replaceSealed(on: Queryable, current: SealedProfile, sealed: string): Promise<boolean> {
  const sql = "UPDATE users.profiles SET sealed = $3 WHERE user_id = $1 AND sealed = $2 RETURNING user_id";
  return (await on.query(sql, [current.user_id, current.sealed, sealed])).length === 1;
}
