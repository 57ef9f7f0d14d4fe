import type { Database, Transaction } from "../../../mixins/database/database.mixin.ts";
import { deleteOf } from "../../../mixins/personal-data/erasure.ts";
import { type ExportSection, eventsSection, tableSection } from "../../../mixins/personal-data/export-pages.ts";
import { Credentials, Identities, LoginAttempts, OneTimeTokens } from "../auth.entities.ts";

const TABLES = ["credentials", "identities", "one_time_tokens", "oauth_states", "oauth_codes"] as const;

/**
 * Attempts are stored under hashes of emails and usernames. Rows from before the account existed have no user id, so all
 * rows with the same `account` as a row of the user are deleted too. The keys are collected first, because a join in the
 * DELETE itself would scan the whole table.
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

/**
 * The export says that the user has a password and since when. It omits everything that could help to guess the password or
 * a mailed link.
 */
export function exportSections(db: Database): readonly ExportSection[] {
  const internal = "internal";
  const secret = "a secret";
  const link = "mailed links are derived from it";
  const hash = "a hash of a name or address";
  return [
    tableSection(db, {
      name: "sign_in_methods",
      entity: Credentials,
      orderBy: "id",
      omit: { id: internal, secret, kid: internal, confirmed: internal },
    }),
    tableSection(db, { name: "identities", entity: Identities, orderBy: "issuer", omit: {} }),
    tableSection(db, {
      name: "mailed_links",
      entity: OneTimeTokens,
      orderBy: "seq",
      omit: { id: link, email_key_hash: link, kid: link, event_id: internal, seq: internal, epoch: internal },
    }),
    tableSection(db, {
      name: "failed_sign_ins",
      entity: LoginAttempts,
      orderBy: "key",
      omit: { key: hash, account: hash, pending: internal },
    }),
    eventsSection(db),
  ];
}
