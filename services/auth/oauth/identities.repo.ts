import type { RowOf } from "../../../lib/database/entity.ts";
import type { Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { Identities } from "../auth.entities.ts";

export type Identity = Omit<RowOf<typeof Identities>, "created_at" | "picture_url">;

/** Identifies a person at a provider. `sub` is unique per issuer only (OpenID Connect Core section 2). */
export type IdentityKey = Pick<Identity, "tenant_id" | "issuer" | "sub">;

/** False if the identity is linked already, or the account has another identity of the issuer. */
export function insertIdentity(
  db: Queryable,
  identity: Identity & { readonly picture_url?: string | null },
): Promise<boolean> {
  return db.repository(Identities).insertOrIgnore(identity);
}

/** Null once the picture was stored or given up, and for an account that was not created through a provider. */
export async function findPictureUrl(db: Queryable, userId: string): Promise<string | null> {
  const sql = "SELECT picture_url FROM auth.identities WHERE user_id = $1 AND picture_url IS NOT NULL";
  return (await db.query<{ picture_url: string }>(sql, [userId]))[0]?.picture_url ?? null;
}

export async function deletePictureUrl(db: Queryable, user_id: string): Promise<void> {
  await db.repository(Identities).update({ user_id }, { picture_url: null });
}

/** Deletes the URLs that no job will use any more: it was lost, became a dead letter, or pictures were switched off. */
export async function deleteOldPictureUrls(db: Queryable): Promise<number> {
  const sql = `UPDATE auth.identities SET picture_url = NULL
    WHERE picture_url IS NOT NULL AND created_at < clock_timestamp() - interval '7 days' RETURNING user_id`;
  return (await db.query(sql)).length;
}

export async function findOwner(db: Queryable, { tenant_id, issuer, sub }: IdentityKey): Promise<string | null> {
  const identity = await db.repository(Identities).findOneBy({ tenant_id, issuer, sub });
  return identity?.user_id ?? null;
}

export async function deleteIdentity(db: Queryable, key: IdentityKey, user_id: string): Promise<void> {
  const { tenant_id, issuer, sub } = key;
  await db.repository(Identities).delete({ tenant_id, issuer, sub, user_id });
}

/**
 * Deletes an identity whose account does not exist, if it is old enough that the account is not being created: the users
 * service refuses ids of sign-ups that are older than 10 minutes, and an import sends identities right before the accounts.
 */
export async function deleteOrphan(db: Queryable, key: IdentityKey, userId: string): Promise<boolean> {
  const sql = `DELETE FROM auth.identities WHERE tenant_id = $1 AND issuer = $2 AND sub = $3 AND user_id = $4
    AND created_at < clock_timestamp() - interval '11 minutes' RETURNING user_id`;
  return (await db.query(sql, [key.tenant_id, key.issuer, key.sub, userId])).length === 1;
}

export type LinkedIdentity = Pick<RowOf<typeof Identities>, "issuer" | "email" | "created_at">;

export function findIdentities(db: Queryable, user_id: string): Promise<LinkedIdentity[]> {
  return db.repository(Identities).find({ where: { user_id }, order: { created_at: "ASC" } });
}

/**
 * Keeps rows that an interrupted import has stored already, and renews `created_at`, so that a sign-in does not delete them
 * before the repeated import has created their accounts.
 */
export async function insertIdentities(db: Queryable, identities: readonly Identity[]): Promise<void> {
  await db.query(
    `WITH sent AS (SELECT * FROM jsonb_populate_recordset(NULL::auth.identities, $1::jsonb)),
       renewed AS (
         UPDATE auth.identities i SET created_at = clock_timestamp() FROM sent AS s
         WHERE i.tenant_id = s.tenant_id AND i.issuer = s.issuer AND i.sub = s.sub AND i.user_id = s.user_id)
     INSERT INTO auth.identities (tenant_id, issuer, sub, user_id, email)
     SELECT tenant_id, issuer, sub, user_id, email FROM sent
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(identities)],
  );
}

/** The stored rows of these identities, whichever account they belong to. */
export function findOwners(db: Queryable, identities: readonly IdentityKey[]): Promise<Identity[]> {
  return db.query<Identity>(
    `SELECT i.tenant_id, i.issuer, i.sub, i.user_id, i.email FROM auth.identities i
     JOIN jsonb_to_recordset($1::jsonb) AS w (tenant_id uuid, issuer text, sub text)
       ON i.tenant_id = w.tenant_id AND i.issuer = w.issuer AND i.sub = w.sub`,
    [JSON.stringify(identities)],
  );
}

export type IdentitiesOfUser = { user_id: string; identities: Array<Pick<Identity, "issuer" | "sub" | "email">> };

/** Accounts without an identity are left out. */
export function listIdentitiesOf(db: Queryable, userIds: readonly string[]): Promise<IdentitiesOfUser[]> {
  return db.query<IdentitiesOfUser>(
    `SELECT user_id, jsonb_agg(jsonb_build_object('issuer', issuer, 'sub', sub, 'email', email) ORDER BY issuer) AS identities
     FROM auth.identities WHERE user_id = ANY($1::uuid[]) GROUP BY user_id`,
    [userIds],
  );
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

export async function unlinkIssuer(tx: Transaction, user_id: string, issuer: string): Promise<boolean> {
  return (await tx.repository(Identities).delete({ user_id, issuer })).affected === 1;
}

export function deleteIdentities(tx: Transaction, userId: string): Promise<Pick<Identity, "issuer" | "sub">[]> {
  return tx.query("DELETE FROM auth.identities WHERE user_id = $1 RETURNING issuer, sub", [userId]);
}

export async function countByIssuer(db: Queryable): Promise<ReadonlyMap<string, number>> {
  const sql = "SELECT issuer, count(*)::int AS n FROM auth.identities GROUP BY issuer";
  return new Map((await db.query<{ issuer: string; n: number }>(sql)).map((row) => [row.issuer, row.n]));
}
