import type { Database } from "../../../mixins/database.mixin.ts";

type Queryable = Pick<Database, "query">;

export interface Credential {
  readonly id: string;
  readonly user_id: string;
  readonly secret: string;
}

export interface NewCredential extends Credential {
  /** Key of the ring that the secret is sealed under. */
  readonly kid: string;
  /** The account is known to exist: the sweep of orphans need not ask. */
  readonly confirmed: boolean;
}

export async function insertPassword(
  db: Queryable,
  { id, user_id, secret, kid, confirmed }: NewCredential,
): Promise<void> {
  await db.query(
    "INSERT INTO auth.credentials (id, user_id, kind, secret, kid, confirmed) VALUES ($1, $2, 'password', $3, $4, $5)",
    [id, user_id, secret, kid, confirmed],
  );
}

/** Whoever has a password keeps it: the batch has come before. */
export async function insertPasswords(
  db: Queryable,
  passwords: ReadonlyArray<Omit<NewCredential, "confirmed">>,
): Promise<void> {
  await db.query(
    `INSERT INTO auth.credentials (id, user_id, kind, secret, kid, confirmed)
     SELECT p.id, p.user_id, 'password', p.secret, p.kid, false
     FROM jsonb_to_recordset($1::jsonb) AS p (id uuid, user_id uuid, secret text, kid text) ON CONFLICT DO NOTHING`,
    [JSON.stringify(passwords)],
  );
}

/** The passwords of these, in no order. */
export async function passwordsOf(db: Queryable, userIds: readonly string[]): Promise<Credential[]> {
  const sql = "SELECT id, user_id, secret FROM auth.credentials WHERE user_id = ANY($1::uuid[]) AND kind = 'password'";
  return db.query<Credential>(sql, [userIds]);
}

export async function passwordOf(db: Queryable, userId: string): Promise<Credential | null> {
  const rows = await db.query<Credential>(
    "SELECT id, user_id, secret FROM auth.credentials WHERE user_id = $1 AND kind = 'password'",
    [userId],
  );
  return rows[0] ?? null;
}

/** Only where the secret is still the one that was looked at: a reset in between is not undone. */
export async function replaceSecret(db: Queryable, looked: Credential, secret: string, kid: string): Promise<boolean> {
  const sql = `UPDATE auth.credentials SET secret = $3, kid = $4, changed_at = clock_timestamp()
    WHERE id = $1 AND secret = $2 RETURNING id`;
  return (await db.query(sql, [looked.id, looked.secret, secret, kid])).length === 1;
}

export async function deletePasswords(db: Queryable, userId: string): Promise<void> {
  await db.query("DELETE FROM auth.credentials WHERE user_id = $1 AND kind = 'password'", [userId]);
}

export async function deleteCredential(db: Queryable, id: string): Promise<void> {
  await db.query("DELETE FROM auth.credentials WHERE id = $1", [id]);
}

/** Those of whose account nobody has made sure for 24 h, oldest first. */
export async function unconfirmedCredentials(
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
  return (
    await db.query("DELETE FROM auth.credentials WHERE id = ANY($1::uuid[]) AND NOT confirmed RETURNING id", [ids])
  ).length;
}

/** Sealed under another key than `kid`. */
export async function credentialsNotUnder(db: Queryable, kid: string, limit: number): Promise<Credential[]> {
  const sql = `(SELECT id, user_id, secret FROM auth.credentials WHERE kid < $1 LIMIT $2)
    UNION ALL (SELECT id, user_id, secret FROM auth.credentials WHERE kid > $1 LIMIT $2) LIMIT $2`;
  return db.query<Credential>(sql, [kid, limit]);
}
