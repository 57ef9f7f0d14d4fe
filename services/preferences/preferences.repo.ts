import { columnsOf } from "../../lib/database/entity.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import type { InvalidatingTransaction } from "../../mixins/near-cache.mixin.ts";
import { deleteOf } from "../../mixins/personal-data/erasure.ts";
import { Preferences, type PreferencesRow } from "./preferences.entities.ts";

const columns = columnsOf(Preferences, "p");

export async function readPreferences(db: Database, userId: string): Promise<PreferencesRow | undefined> {
  const sql = `SELECT ${columns} FROM preferences.preferences p WHERE user_id = $1`;
  return (await db.query<PreferencesRow>(sql, [userId]))[0];
}

export type OverridesRow = Pick<PreferencesRow, "user_id" | "overrides">;

/**
 * Keeps the settings of rows that exist already, because the same registration or batch was sent before. Renews
 * `created_at`, so that the sweep does not delete them before a repeated import has created their accounts.
 */
export async function insertUnconfirmed(db: Database, rows: readonly OverridesRow[]): Promise<void> {
  await db.query(
    `INSERT INTO preferences.preferences AS stored (user_id, overrides, confirmed)
     SELECT p.user_id, p.overrides, false FROM jsonb_to_recordset($1::jsonb) AS p (user_id uuid, overrides jsonb)
     ON CONFLICT (user_id) DO UPDATE SET created_at = clock_timestamp() WHERE NOT stored.confirmed`,
    [JSON.stringify(rows)],
  );
}

/** Leaves out users who have only the defaults. */
export function listOverrides(db: Database, userIds: readonly string[]): Promise<OverridesRow[]> {
  return db.query<OverridesRow>(
    "SELECT user_id, overrides FROM preferences.preferences WHERE user_id = ANY($1::uuid[]) AND overrides <> '{}'",
    [userIds],
  );
}

/**
 * Creates the row if it is missing and locks it until the end of the transaction. Undefined if the account was erased,
 * because a trigger then skips the insert.
 */
export async function lockPreferences(
  tx: InvalidatingTransaction,
  userId: string,
  createdAt: Date,
): Promise<PreferencesRow | undefined> {
  tx.assertInvalidated(userId);
  await tx.repository(Preferences).insertOrIgnore({ user_id: userId, confirmed: true, updated_at: createdAt });
  const sql = `SELECT ${columns} FROM preferences.preferences p WHERE user_id = $1 FOR UPDATE`;
  return (await tx.query<PreferencesRow>(sql, [userId]))[0];
}

export async function updatePreferences(
  tx: InvalidatingTransaction,
  userId: string,
  next: Pick<PreferencesRow, "overrides" | "updated_at">,
): Promise<void> {
  await tx.repository(Preferences).update({ user_id: userId }, { ...next, confirmed: true });
}

export function deletePreferences(tx: InvalidatingTransaction, userId: string): Promise<number> {
  tx.assertInvalidated(userId);
  return deleteOf(tx, "DELETE FROM preferences.preferences WHERE user_id = $1", userId);
}

/** The users of rows that are more than a day old and whose account is not known to exist. */
export async function listUnconfirmed(db: Database, limit: number): Promise<string[]> {
  const rows = await db.query<{ user_id: string }>(
    `SELECT user_id FROM preferences.preferences WHERE NOT confirmed AND created_at < now() - interval '24 hours'
     ORDER BY created_at LIMIT $1`,
    [limit],
  );
  return rows.map((row) => row.user_id);
}

export async function markConfirmed(db: Database, userIds: readonly string[]): Promise<void> {
  await db.query("UPDATE preferences.preferences SET confirmed = true WHERE user_id = ANY($1::uuid[])", [userIds]);
}

export async function deleteUnconfirmed(db: Database, userIds: readonly string[]): Promise<void> {
  await db.query(
    `DELETE FROM preferences.preferences WHERE user_id = ANY($1::uuid[]) AND NOT confirmed
       AND created_at < now() - interval '24 hours'`,
    [userIds],
  );
}
