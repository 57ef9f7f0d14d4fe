import type { Transaction } from "../../../mixins/database.mixin.ts";
import { deleteOf } from "../../../mixins/erasure.ts";

const tables = ["credentials", "identities", "one_time_tokens", "oauth_states", "oauth_codes"] as const;

/** Guesses are kept under the hash of a name: with the account's own go those of its single addresses. By keys alone, else each erasure would read the whole table. */
const LOGIN_ATTEMPTS = `DELETE FROM auth.login_attempts WHERE key = ANY(ARRAY(
  SELECT key FROM auth.login_attempts WHERE user_id = $1
  UNION SELECT other.key FROM auth.login_attempts AS own JOIN auth.login_attempts AS other USING (account) WHERE own.user_id = $1))`;

export async function deleteCredentials(tx: Transaction, userId: string): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {};
  for (const table of tables)
    deleted[table] = await deleteOf(tx, `DELETE FROM auth.${table} WHERE user_id = $1`, userId);
  return { ...deleted, login_attempts: await deleteOf(tx, LOGIN_ATTEMPTS, userId) };
}
