import type { Queryable, Transaction } from "../../../mixins/database.mixin.ts";

/** Identifies a person at a provider. `sub` is unique per issuer only (OpenID Connect Core section 2). */
export interface IdentityKey {
  readonly tenant_id: string;
  readonly issuer: string;
  readonly sub: string;
}

export interface Identity extends IdentityKey {
  readonly user_id: string;
  /** As the provider reported it when the identity was linked, so that the owner recognizes it. */
  readonly email: string | null;
}

/** False if the identity is linked already, or the account has another identity of the issuer. */
export async function insertIdentity(db: Queryable, identity: Identity): Promise<boolean> {
  const sql = `INSERT INTO auth.identities (tenant_id, issuer, sub, user_id, email) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING RETURNING user_id`;
  const { tenant_id, issuer, sub, user_id, email } = identity;
  return (await db.query(sql, [tenant_id, issuer, sub, user_id, email])).length === 1;
}

export async function findOwner(db: Queryable, { tenant_id, issuer, sub }: IdentityKey): Promise<string | null> {
  const sql = "SELECT user_id FROM auth.identities WHERE tenant_id = $1 AND issuer = $2 AND sub = $3";
  const [row] = await db.query<{ user_id: string }>(sql, [tenant_id, issuer, sub]);
  return row?.user_id ?? null;
}

export async function deleteIdentity(db: Queryable, key: IdentityKey, userId: string): Promise<void> {
  const sql = "DELETE FROM auth.identities WHERE tenant_id = $1 AND issuer = $2 AND sub = $3 AND user_id = $4";
  await db.query(sql, [key.tenant_id, key.issuer, key.sub, userId]);
}

/**
 * Deletes an identity whose account does not exist, if it is old enough that the account can no longer be created: users
 * refuses ids older than 10 minutes.
 */
export async function deleteOrphan(db: Queryable, key: IdentityKey, userId: string): Promise<boolean> {
  const sql = `DELETE FROM auth.identities WHERE tenant_id = $1 AND issuer = $2 AND sub = $3 AND user_id = $4
    AND created_at < clock_timestamp() - interval '11 minutes' RETURNING user_id`;
  return (await db.query(sql, [key.tenant_id, key.issuer, key.sub, userId])).length === 1;
}

export interface LinkedIdentity {
  readonly issuer: string;
  readonly email: string | null;
  readonly created_at: Date;
}

export function findIdentities(db: Queryable, userId: string): Promise<LinkedIdentity[]> {
  return db.query("SELECT issuer, email, created_at FROM auth.identities WHERE user_id = $1 ORDER BY created_at", [
    userId,
  ]);
}

/** A separate statement, so that the statements after it see what the previous holder of the lock committed. */
export async function lockIdentities(tx: Transaction, userId: string): Promise<void> {
  await tx.query("SELECT 1 FROM auth.identities WHERE user_id = $1 ORDER BY issuer FOR UPDATE", [userId]);
}

/** `issuers`: those of the configured providers; others cannot be used to sign in. */
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
