import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";

/** A connection of its own, or the one of a transaction. */
export type Queryable = Pick<Transaction, "query">;

export interface UserRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly pending_email: string | null;
  readonly username: string | null;
  readonly full_name: string | null;
  readonly current_title: string | null;
  readonly company: string | null;
  readonly location: string | null;
  readonly bio: string | null;
  readonly avatar_url: string | null;
  readonly has_push_token: boolean;
  readonly is_active: boolean;
  readonly is_verified: boolean;
  readonly roles: string[];
  readonly plan: string | null;
  readonly expires_at: Date | null;
  readonly is_premium: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly last_login_at: Date | null;
  readonly deleted_at: Date | null;
}

/** The columns of a `UserRow`. The tier is computed where it is read: a subscription ends without anybody's doing. */
export const userColumns = `u.id, u.tenant_id, u.email, u.pending_email, u.username, u.full_name, u.current_title, u.company,
  u.location, u.bio, u.avatar_url, u.push_token IS NOT NULL AS has_push_token, u.is_active, u.is_verified,
  ARRAY(SELECT g.name FROM users.granted_roles(u.id, u.tenant_id) AS g ORDER BY g.name) AS roles,
  s.plan, s.expires_at, (s.user_id IS NOT NULL AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())) AS is_premium,
  u.created_at, u.updated_at, u.last_login_at, u.deleted_at`;

export async function readUser(on: Queryable, id: string): Promise<UserRow | undefined> {
  const [row] = await on.query<UserRow>(
    `SELECT ${userColumns} FROM users.users u LEFT JOIN users.subscriptions s ON s.user_id = u.id WHERE u.id = $1`,
    [id],
  );
  return row;
}

/** The same, where it is an account of this tenant. */
export async function readUserOf(on: Queryable, tenantId: string, id: string): Promise<UserRow | undefined> {
  const [row] = await on.query<UserRow>(
    `SELECT ${userColumns} FROM users.users u LEFT JOIN users.subscriptions s ON s.user_id = u.id
     WHERE u.id = $1 AND u.tenant_id = $2`,
    [id, tenantId],
  );
  return row;
}

export async function findTenantId(on: Queryable, slug: string): Promise<string | undefined> {
  const [row] = await on.query<{ id: string }>("SELECT id FROM users.tenants WHERE slug = $1", [slug]);
  return row?.id;
}

export interface NewAccount {
  readonly id: string;
  readonly tenantId: string;
  readonly email: string;
  readonly emailKey: string;
  readonly username: string | null;
  readonly usernameKey: string | null;
  readonly fullName: string | null;
  readonly pushToken: string | null;
  readonly searchText: string;
  readonly isVerified: boolean;
  readonly privacyProfile: string;
  readonly privacyLocation: boolean;
}

/** False where the id, the email or the username is there already, or the account was erased. */
export async function insertAccount(tx: Transaction, account: NewAccount): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO users.users (id, tenant_id, email, email_key, username, username_key, full_name, push_token, search_text,
       is_verified, privacy_profile, privacy_location)
     SELECT $1::uuid, $2::uuid, $3, $4, $5, $6, $7, $8, $9, $10::boolean, $11, $12::boolean
     WHERE NOT EXISTS (SELECT FROM users.erased WHERE user_id = $1::uuid)
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      account.id,
      account.tenantId,
      account.email,
      account.emailKey,
      account.username,
      account.usernameKey,
      account.fullName,
      account.pushToken,
      account.searchText,
      account.isVerified,
      account.privacyProfile,
      account.privacyLocation,
    ],
  );
  return rows.length === 1;
}

export interface Clash {
  readonly id: string;
  readonly same_email: boolean;
}

/** The accounts that stand in the way of a new one. Its own statement: it sees what the insert waited for. */
export function findClashes(tx: Transaction, account: NewAccount): Promise<Clash[]> {
  return tx.query<Clash>(
    `SELECT id, tenant_id = $2 AND email_key = $3 AS same_email FROM users.users
     WHERE id = $1 OR (tenant_id = $2 AND email_key = $3) OR (tenant_id = $2 AND username_key = $4)`,
    [account.id, account.tenantId, account.emailKey, account.usernameKey],
  );
}

export async function isErased(on: Queryable, id: string): Promise<boolean> {
  return (await on.query("SELECT 1 FROM users.erased WHERE user_id = $1", [id])).length === 1;
}

/** Grants those of `roles` that the tenant has; resolves to their names. */
export async function insertRoles(
  tx: Transaction,
  userId: string,
  tenantId: string,
  roles: readonly string[],
): Promise<string[]> {
  const rows = await tx.query<{ role: string }>(
    `INSERT INTO users.role_members (user_id, tenant_id, role)
     SELECT $1::uuid, $2::uuid, r.name FROM users.roles r
     WHERE r.name = ANY($3::text[]) AND (r.tenant_id = $2::uuid OR (r.system AND r.name <> 'vendor'))
     ON CONFLICT DO NOTHING RETURNING role`,
    [userId, tenantId, roles],
  );
  return rows.map((row) => row.role);
}

export interface Account {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly email_key: string;
  readonly pending_email: string | null;
  readonly username: string | null;
  readonly full_name: string | null;
  readonly current_title: string | null;
  readonly company: string | null;
  readonly location: string | null;
  readonly bio: string | null;
  readonly push_token: string | null;
  readonly is_active: boolean;
  readonly is_verified: boolean;
  readonly privacy_profile: "public" | "private" | "connections";
  readonly privacy_location: boolean;
  /** The event that stated the present status; null before the first change. */
  readonly status_event_id: string | null;
  readonly created_at: Date;
}

/** The account, locked until the end of the transaction. */
export async function lockAccount(tx: InvalidatingTransaction, id: string): Promise<Account | undefined> {
  tx.assertInvalidated(id);
  const [row] = await tx.query<Account>(
    `SELECT id, tenant_id, email, email_key, pending_email, username, full_name, current_title, company, location, bio,
       push_token, is_active, is_verified, privacy_profile, privacy_location, status_event_id, created_at
     FROM users.users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`,
    [id],
  );
  return row;
}

export type BasicProfile = Omit<
  Account,
  | "tenant_id"
  | "email_key"
  | "is_active"
  | "is_verified"
  | "privacy_profile"
  | "privacy_location"
  | "status_event_id"
  | "created_at"
> & { readonly username_key: string | null; readonly search_text: string };

/** What the owner may change of a locked account. Breaks `users_username` where the name is taken. */
export async function updateBasicProfile(tx: InvalidatingTransaction, next: BasicProfile): Promise<void> {
  await tx.query(
    `UPDATE users.users SET pending_email = $2, username = $3, username_key = $4, full_name = $5, current_title = $6,
       company = $7, location = $8, bio = $9, push_token = $10, search_text = $11, updated_at = clock_timestamp()
     WHERE id = $1`,
    [
      next.id,
      next.pending_email,
      next.username,
      next.username_key,
      next.full_name,
      next.current_title,
      next.company,
      next.location,
      next.bio,
      next.push_token,
      next.search_text,
    ],
  );
}

/** Where to push to, of an account that is there. */
export async function readPushRecipient(on: Queryable, id: string) {
  const [row] = await on.query<{ name: string | null; push_token: string | null; is_active: boolean }>(
    "SELECT full_name AS name, push_token, is_active FROM users.users WHERE id = $1 AND deleted_at IS NULL",
    [id],
  );
  return row;
}

export async function clearPushToken(tx: InvalidatingTransaction, id: string): Promise<void> {
  await tx.query("UPDATE users.users SET push_token = NULL, updated_at = clock_timestamp() WHERE id = $1", [id]);
}

export async function updateVerified(tx: InvalidatingTransaction, id: string): Promise<void> {
  await tx.query("UPDATE users.users SET is_verified = true, updated_at = clock_timestamp() WHERE id = $1", [id]);
}

type Visibility = Pick<Account, "privacy_profile" | "privacy_location">;

export async function readVisibility(on: Queryable, id: string): Promise<Visibility | null> {
  const sql = "SELECT privacy_profile, privacy_location FROM users.users WHERE id = $1";
  return (await on.query<Visibility>(sql, [id]))[0] ?? null;
}

export async function updateVisibility(
  tx: InvalidatingTransaction,
  { id, privacy_profile, privacy_location }: Visibility & Pick<Account, "id">,
): Promise<void> {
  await tx.query(
    "UPDATE users.users SET privacy_profile = $2, privacy_location = $3, updated_at = clock_timestamp() WHERE id = $1",
    [id, privacy_profile, privacy_location],
  );
}

export interface StatusChange {
  readonly id: string;
  readonly isActive: boolean;
  readonly reason: string | null;
  readonly eventId: string;
}

export async function updateStatus(
  tx: InvalidatingTransaction,
  { id, isActive, reason, eventId }: StatusChange,
): Promise<void> {
  await tx.query(
    `UPDATE users.users SET is_active = $2, inactive_reason = $3, status_event_id = $4, updated_at = clock_timestamp()
     WHERE id = $1`,
    [id, isActive, isActive ? null : reason, eventId],
  );
}

export async function updateLastLogin(on: Queryable, id: string, at: string): Promise<void> {
  await on.query(
    `UPDATE users.users SET last_login_at = greatest(last_login_at, $2::timestamptz), logins_total = logins_total + 1
     WHERE id = $1`,
    [id, at],
  );
}

export interface LastLogin {
  readonly at: Date | null;
}

export async function readLastLogin(on: Queryable, id: string): Promise<LastLogin | null> {
  const [row] = await on.query<LastLogin>("SELECT last_login_at AS at FROM users.users WHERE id = $1", [id]);
  return row ?? null;
}

export async function readLoginsTotal(on: Queryable, id: string): Promise<number> {
  const [row] = await on.query<{ logins_total: number }>("SELECT logins_total FROM users.users WHERE id = $1", [id]);
  return row?.logins_total ?? 0;
}

/** What an administrator may change of a locked account. Breaks `users_username` or `users_email` where one is taken. */
export async function updateAccount(
  tx: InvalidatingTransaction,
  next: Account & { readonly username_key: string | null; readonly search_text: string },
): Promise<void> {
  await tx.query(
    `UPDATE users.users SET full_name = $2, username = $3, username_key = $4, email = $5, email_key = $6,
       pending_email = $7, is_verified = $8, search_text = $9, updated_at = clock_timestamp() WHERE id = $1`,
    [
      next.id,
      next.full_name,
      next.username,
      next.username_key,
      next.email,
      next.email_key,
      next.pending_email,
      next.is_verified,
      next.search_text,
    ],
  );
}
