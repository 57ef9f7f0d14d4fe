import type { Query } from "../../lib/database/schema-names.ts";
import { emailKey } from "../../lib/runtime/text-keys.ts";

type Say = (line: string) => void;

interface Keyed {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly email_key: string;
}

const PAGE = 1_000;
const NO_ID = "00000000-0000-0000-0000-000000000000";
/** Recorded with the definitions of the schema, because like them it is applied once. */
const MARK = "email keys with ASCII domains";

/**
 * Keys of addresses used to contain the domain as it was typed, so that `bücher.example` and `xn--bcher-kva.example` were
 * two addresses. If both have an account, nobody can decide which one is to go: they are reported, at each run, until the
 * address of one of them has changed.
 */
export async function updateEmailKeys(query: Query, say: Say): Promise<void> {
  const { rowCount } = await query("SELECT FROM usermesh.definitions WHERE schema = 'users' AND file = $1", [MARK]);
  if (rowCount) return;
  let changed = 0;
  let collisions = 0;
  for await (const account of accountsWithOldKeys(query)) {
    const other = await findAccount(query, account);
    if (other === undefined) await setKey(query, account);
    else say(describeCollision(account, other));
    if (other === undefined) changed += 1;
    else collisions += 1;
  }
  if (changed > 0) say(`users: ${changed} addresses are compared with their domain in ASCII now`);
  if (collisions === 0)
    await query("INSERT INTO usermesh.definitions (schema, file, checksum) VALUES ('users', $1, '')", [MARK]);
}

async function* accountsWithOldKeys(query: Query): AsyncGenerator<Keyed> {
  for (let after = NO_ID; ; ) {
    const { rows } = await query<Keyed>(
      `SELECT id, tenant_id, email, email_key FROM users.users
       WHERE id > $1 AND email_key ~ '@.*[^\\x01-\\x7f]' ORDER BY id LIMIT ${PAGE}`,
      [after],
    );
    for (const row of rows) if (emailKey(row.email) !== row.email_key) yield row;
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.id ?? NO_ID;
  }
}

async function findAccount(query: Query, { tenant_id, email }: Keyed): Promise<string | undefined> {
  const { rows } = await query<{ id: string }>("SELECT id FROM users.users WHERE tenant_id = $1 AND email_key = $2", [
    tenant_id,
    emailKey(email),
  ]);
  return rows[0]?.id;
}

async function setKey(query: Query, { id, email }: Keyed): Promise<void> {
  await query("UPDATE users.users SET email_key = $2 WHERE id = $1", [id, emailKey(email)]);
}

function describeCollision({ id, tenant_id }: Keyed, other: string): string {
  return `users: the accounts ${id} and ${other} of tenant ${tenant_id} have the same address in two spellings. Change the address of one of them, or delete it; until then only the second one can sign in with the address.`;
}
