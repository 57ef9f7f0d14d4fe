import type { RowOf } from "../../../lib/database/entity.ts";
import type { Queryable } from "../../../mixins/database/database.mixin.ts";
import { Credentials } from "../auth.entities.ts";

type CredentialRow = RowOf<typeof Credentials>;

export type Credential = Pick<CredentialRow, "id" | "user_id" | "secret">;
export type NewCredential = Pick<CredentialRow, "id" | "user_id" | "secret" | "kid" | "confirmed">;

export async function insertPasswordCredential(db: Queryable, credential: NewCredential): Promise<void> {
  await db.repository(Credentials).insert({ ...credential, kind: "password" });
}

/**
 * Skips users who have a password: an interrupted import inserts the same batch again. Their rows count as new, so that the
 * sweep leaves them to the account that is imported now.
 */
export async function insertPasswordCredentials(
  db: Queryable,
  passwords: ReadonlyArray<Omit<NewCredential, "confirmed">>,
): Promise<void> {
  await db.query(
    `INSERT INTO auth.credentials (id, user_id, kind, secret, kid, confirmed)
     SELECT p.id, p.user_id, 'password', p.secret, p.kid, false
     FROM jsonb_to_recordset($1::jsonb) AS p (id uuid, user_id uuid, secret text, kid text)
     ON CONFLICT (user_id) WHERE kind = 'password' DO UPDATE SET created_at = clock_timestamp() WHERE NOT credentials.confirmed`,
    [JSON.stringify(passwords)],
  );
}

/** In no particular order. Users without a password have no row. */
export async function findPasswordCredentials(db: Queryable, userIds: readonly string[]): Promise<Credential[]> {
  const sql = "SELECT id, user_id, secret FROM auth.credentials WHERE user_id = ANY($1::uuid[]) AND kind = 'password'";
  return db.query<Credential>(sql, [userIds]);
}

export async function findPasswordCredential(db: Queryable, userId: string): Promise<Credential | null> {
  const [credential] = await findPasswordCredentials(db, [userId]);
  return credential ?? null;
}

/** False if the secret is no longer that of `expected`: a password reset in the meantime must not be undone. */
export async function replaceSecret(
  db: Queryable,
  expected: Credential,
  secret: string,
  kid: string,
): Promise<boolean> {
  const sql = `UPDATE auth.credentials SET secret = $3, kid = $4, changed_at = clock_timestamp()
    WHERE id = $1 AND secret = $2 RETURNING id`;
  return (await db.query(sql, [expected.id, expected.secret, secret, kid])).length === 1;
}

export async function deleteCredentials(
  db: Queryable,
  userId: string,
  kinds: readonly CredentialRow["kind"][],
): Promise<void> {
  await db.query("DELETE FROM auth.credentials WHERE user_id = $1 AND kind = ANY($2::text[])", [userId, kinds]);
}

export async function deleteCredential(db: Queryable, id: string): Promise<void> {
  await db.repository(Credentials).delete({ id });
}

/** Credentials older than 24 h whose account was never confirmed to exist, oldest first. */
export async function listUnconfirmedCredentials(
  db: Queryable,
  limit: number,
): Promise<Array<Pick<Credential, "id" | "user_id">>> {
  const sql = `SELECT id, user_id FROM auth.credentials
    WHERE NOT confirmed AND created_at < now() - interval '24 hours' ORDER BY created_at LIMIT $1`;
  return db.query(sql, [limit]);
}

export async function confirmCredentials(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query("UPDATE auth.credentials SET confirmed = true WHERE id = ANY($1::uuid[])", [ids]);
}

export async function deleteUnconfirmed(db: Queryable, ids: readonly string[]): Promise<number> {
  const sql = `DELETE FROM auth.credentials WHERE id = ANY($1::uuid[]) AND NOT confirmed
    AND created_at < now() - interval '24 hours' RETURNING id`;
  return (await db.query(sql, [ids])).length;
}

/** The part of a secret that is not sealed; there is an index on this expression. */
const LABEL = "split_part(secret, '$', 1)";

/** One credential of each label. Skips from label to label in the index, which may have millions of rows. */
export async function listOnePerLabel(db: Queryable): Promise<Array<Credential & { readonly label: string }>> {
  const next = (condition: string) =>
    `(SELECT ${LABEL} AS label FROM auth.credentials WHERE kind = 'password' ${condition} ORDER BY 1 LIMIT 1)`;
  return db.query(
    `WITH RECURSIVE labels AS (
       ${next("")} UNION ALL
       SELECT following.label FROM labels CROSS JOIN LATERAL ${next(`AND ${LABEL} > labels.label`)} AS following)
     SELECT l.label, c.id, c.user_id, c.secret FROM labels l CROSS JOIN LATERAL
       (SELECT id, user_id, secret FROM auth.credentials WHERE kind = 'password' AND ${LABEL} = l.label LIMIT 1) AS c`,
  );
}

export async function listCredentialsWithLabels(
  db: Queryable,
  labels: readonly string[],
  limit: number,
): Promise<Credential[]> {
  const sql = `SELECT id, user_id, secret FROM auth.credentials
    WHERE kind = 'password' AND ${LABEL} = ANY($1::text[]) ORDER BY ${LABEL}, id LIMIT $2`;
  return db.query<Credential>(sql, [labels, limit]);
}

/** Credentials sealed under another key than `kid`. Two range conditions, since `<>` cannot use the index. */
export async function listCredentialsNotUnder(db: Queryable, kid: string, limit: number): Promise<Credential[]> {
  const sql = `(SELECT id, user_id, secret FROM auth.credentials WHERE kid < $1 LIMIT $2)
    UNION ALL (SELECT id, user_id, secret FROM auth.credentials WHERE kid > $1 LIMIT $2) LIMIT $2`;
  return db.query<Credential>(sql, [kid, limit]);
}
