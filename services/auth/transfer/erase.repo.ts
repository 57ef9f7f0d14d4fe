import type { Transaction } from "../../../mixins/database.mixin.ts";
import { deleteOf } from "../../../mixins/erasure.ts";

const tables = ["credentials", "identities", "one_time_tokens", "oauth_states", "oauth_codes"] as const;

/** Guesses are kept under the hash of a name: with the account's own go those of its single addresses. By keys alone, else each erasure would read the whole table. */
const GUESSES = `DELETE FROM auth.guesses WHERE key = ANY(ARRAY(
  SELECT key FROM auth.guesses WHERE user_id = $1
  UNION SELECT g.key FROM auth.guesses AS own JOIN auth.guesses AS g USING (account) WHERE own.user_id = $1))`;

export async function deleteCredentials(tx: Transaction, userId: string): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {};
  for (const table of tables)
    deleted[table] = await deleteOf(tx, `DELETE FROM auth.${table} WHERE user_id = $1`, userId);
  return { ...deleted, guesses: await deleteOf(tx, GUESSES, userId) };
}
