import type { Database, Transaction } from "../../../mixins/database.mixin.ts";

type Queryable = Pick<Database, "query">;

/** Who somebody is at a provider (OpenID Connect Core section 2): `sub` alone says nothing. */
export interface IdentityKey {
  readonly tenant_id: string;
  readonly issuer: string;
  readonly sub: string;
}

export interface Identity extends IdentityKey {
  readonly user_id: string;
  /** As the provider told it when it was linked: for its owner to know which one it is. */
  readonly email: string | null;
}

/** False where this identity is linked already, or the account has another one of its issuer. */
export async function insertIdentity(db: Queryable, identity: Identity): Promise<boolean> {
  const sql = `INSERT INTO auth.identities (tenant_id, issuer, sub, user_id, email) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING RETURNING user_id`;
  const { tenant_id, issuer, sub, user_id, email } = identity;
  return (await db.query(sql, [tenant_id, issuer, sub, user_id, email])).length === 1;
}

export async function ownerOf(db: Queryable, { tenant_id, issuer, sub }: IdentityKey): Promise<string | null> {
  const sql = "SELECT user_id FROM auth.identities WHERE tenant_id = $1 AND issuer = $2 AND sub = $3";
  const [row] = await db.query<{ user_id: string }>(sql, [tenant_id, issuer, sub]);
  return row?.user_id ?? null;
}

export async function deleteIdentity(db: Queryable, key: IdentityKey, userId: string): Promise<void> {
  const sql = "DELETE FROM auth.identities WHERE tenant_id = $1 AND issuer = $2 AND sub = $3 AND user_id = $4";
  await db.query(sql, [key.tenant_id, key.issuer, key.sub, userId]);
}

/** One of an account that never came to be, and can't any more: users refuses ids older than 10 minutes. */
export async function deleteOrphan(db: Queryable, key: IdentityKey, userId: string): Promise<boolean> {
  const sql = `DELETE FROM auth.identities WHERE tenant_id = $1 AND issuer = $2 AND sub = $3 AND user_id = $4
    AND created_at < clock_timestamp() - interval '11 minutes' RETURNING user_id`;
  return (await db.query(sql, [key.tenant_id, key.issuer, key.sub, userId])).length === 1;
}

export interface LinkedRow {
  readonly issuer: string;
  readonly email: string | null;
  readonly created_at: Date;
}

export function identitiesOf(db: Queryable, userId: string): Promise<LinkedRow[]> {
  return db.query("SELECT issuer, email, created_at FROM auth.identities WHERE user_id = $1 ORDER BY created_at", [
    userId,
  ]);
}

/** A statement of its own: what is counted after it is what the one before us left. */
export async function lockIdentities(tx: Transaction, userId: string): Promise<void> {
  await tx.query("SELECT 1 FROM auth.identities WHERE user_id = $1 ORDER BY issuer FOR UPDATE", [userId]);
}

/** How many ways to sign in the account has, of those that work at all. */
export async function countSignInMethods(tx: Transaction, userId: string, issuers: readonly string[]): Promise<number> {
  const sql = `SELECT (SELECT count(*) FROM auth.credentials WHERE user_id = $1 AND kind IN ('password', 'passkey'))
    + (SELECT count(*) FROM auth.identities WHERE user_id = $1 AND issuer = ANY($2::text[])) AS n`;
  const [row] = await tx.query<{ n: string }>(sql, [userId, issuers]);
  return Number(row?.n ?? 0);
}

export async function unlinkIssuer(tx: Transaction, userId: string, issuer: string): Promise<boolean> {
  const sql = "DELETE FROM auth.identities WHERE user_id = $1 AND issuer = $2 RETURNING user_id";
  return (await tx.query(sql, [userId, issuer])).length === 1;
}

export async function deleteIdentities(tx: Transaction, userId: string): Promise<void> {
  await tx.query("DELETE FROM auth.identities WHERE user_id = $1", [userId]);
}

export async function countByIssuer(db: Queryable): Promise<ReadonlyMap<string, number>> {
  const sql = "SELECT issuer, count(*)::int AS n FROM auth.identities GROUP BY issuer";
  return new Map((await db.query<{ issuer: string; n: number }>(sql)).map((row) => [row.issuer, row.n]));
}
