import type { Database, Transaction } from "../../../mixins/database.mixin.ts";
import { deleteOf } from "../../../mixins/erasure.ts";
import { type ExportSection, eventsSection, rowsOf } from "../../../mixins/export-pages.ts";

const TABLES = ["credentials", "identities", "one_time_tokens", "oauth_states", "oauth_codes"] as const;

/**
 * Attempts are stored under hashes of names. The rows of single addresses belong to the account through its own row. The
 * keys are collected first: a join in the DELETE itself would scan the whole table.
 */
const DELETE_ATTEMPTS = `DELETE FROM auth.login_attempts WHERE key = ANY(ARRAY(
  SELECT key FROM auth.login_attempts WHERE user_id = $1
  UNION SELECT other.key FROM auth.login_attempts AS own JOIN auth.login_attempts AS other USING (account) WHERE own.user_id = $1))`;

export async function deleteUserRows(tx: Transaction, userId: string): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {};
  for (const table of TABLES)
    deleted[table] = await deleteOf(tx, `DELETE FROM auth.${table} WHERE user_id = $1`, userId);
  return { ...deleted, login_attempts: await deleteOf(tx, DELETE_ATTEMPTS, userId) };
}

const NO_ID = "00000000-0000-0000-0000-000000000000";

/** Says that there is a password and since when, but contains no hash. */
export function exportSections(db: Database): readonly ExportSection[] {
  return [
    rowsOf(
      db,
      "sign_in_methods",
      NO_ID,
      `SELECT id::text AS position, kind, created_at, changed_at FROM auth.credentials
       WHERE user_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`,
    ),
    rowsOf(
      db,
      "identities",
      "",
      `SELECT issuer AS position, issuer, sub, email, created_at FROM auth.identities
       WHERE user_id = $1 AND issuer > $2 ORDER BY issuer LIMIT $3`,
    ),
    rowsOf(
      db,
      "mailed_links",
      "0",
      `SELECT seq::text AS position, purpose, requested_at, first_sent_at, spent_at FROM auth.one_time_tokens
       WHERE user_id = $1 AND seq > $2::bigint ORDER BY seq LIMIT $3`,
    ),
    rowsOf(
      db,
      "failed_sign_ins",
      "",
      `SELECT key AS position, failed, throttled_until, at FROM auth.login_attempts
       WHERE user_id = $1 AND key > $2 ORDER BY key LIMIT $3`,
    ),
    eventsSection(db),
  ];
}
