import { type ColumnOf, columnsOf, type RowOf, sharedColumns } from "../../../lib/database/entity.ts";
import type { Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { type accountTexts, User } from "../contract/users-shapes.contract.ts";
import { TenantSlugs, Users } from "../users.entities.ts";

export type Account = RowOf<typeof Users>;

type ShownColumn = ColumnOf<typeof Users> & keyof typeof User.shape;

/** The row from which the contract's `User` is made. */
export interface UserRow extends Pick<Account, ShownColumn> {
  readonly has_push_token: boolean;
  readonly roles: string[];
  readonly plan: string | null;
  readonly expires_at: Date | null;
  readonly is_premium: boolean;
}

const shownColumns = sharedColumns(Users, User.shape);

/** The columns of a `UserRow`. The tier is computed by the query, because a subscription ends by time alone. */
export const userColumns = `${columnsOf(Users, "u", shownColumns)}, u.push_token IS NOT NULL AS has_push_token,
  ARRAY(SELECT g.name FROM users.granted_roles(u.id, u.tenant_id) AS g ORDER BY g.name) AS roles,
  s.plan, s.expires_at,
  (s.user_id IS NOT NULL AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())) AS is_premium`;

export async function readUser(on: Queryable, id: string): Promise<UserRow | undefined> {
  const [row] = await on.query<UserRow>(
    `SELECT ${userColumns} FROM users.users u LEFT JOIN users.subscriptions s ON s.user_id = u.id WHERE u.id = $1`,
    [id],
  );
  return row;
}

/** Whether an account can be used: it is not disabled, and neither is its tenant. */
export function isUsable(alias: string): string {
  return `(${alias}.is_active AND (SELECT t.is_active FROM users.tenants t WHERE t.id = ${alias}.tenant_id))`;
}

/** Undefined for an account of another tenant. */
export async function readUserOfTenant(on: Queryable, tenantId: string, id: string): Promise<UserRow | undefined> {
  const [row] = await on.query<UserRow>(
    `SELECT ${userColumns} FROM users.users u LEFT JOIN users.subscriptions s ON s.user_id = u.id
     WHERE u.id = $1 AND u.tenant_id = $2`,
    [id, tenantId],
  );
  return row;
}

/** Finds a tenant by its slug or a former slug. */
export async function findTenantId(on: Queryable, slug: string): Promise<string | undefined> {
  const tenant = await on.repository(TenantSlugs).findOneBy({ slug });
  return tenant?.tenant_id;
}

/**
 * Condition for accounts that were registered under PREVENT_USER_ENUMERATION and whose address is not verified yet. They
 * reserve nothing but their address, and no one but administrators sees them. Otherwise anyone who registers an address could
 * look for traces of the new account, and learn whether the address was registered before.
 */
export function isHidden(alias: string): string {
  return `(${alias}.hidden_until_verified AND NOT ${alias}.is_verified)`;
}

export type NewAccount = Pick<
  Account,
  | "id"
  | "tenant_id"
  | "email"
  | "email_key"
  | "username"
  | "username_key"
  | "full_name"
  | "push_token"
  | "search_text"
  | "is_verified"
  | "hidden_until_verified"
  | "requested_username"
  | "privacy_profile"
  | "privacy_location"
> &
  Partial<Pick<Account, Exclude<keyof typeof accountTexts, "full_name">>>;

/** False if the id, the email or the username is taken, or the account was erased. */
export function insertAccount(tx: Transaction, account: NewAccount): Promise<boolean> {
  return tx.repository(Users).insertOrIgnore(account);
}

export interface AccountConflict {
  readonly id: string;
  readonly same_email: boolean;
}

/**
 * The accounts that conflict with a new one. A separate statement, so that it sees the account for which the insert
 * waited.
 */
export function findConflictingAccounts(tx: Transaction, account: NewAccount): Promise<AccountConflict[]> {
  return tx.query<AccountConflict>(
    `SELECT id, tenant_id = $2 AND email_key = $3 AS same_email FROM users.users
     WHERE id = $1 OR (tenant_id = $2 AND email_key = $3) OR (tenant_id = $2 AND username_key = $4)`,
    [account.id, account.tenant_id, account.email_key, account.username_key],
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

const accountColumns = columnsOf(Users, "u");

/**
 * Locks the account until the end of the transaction, so that changes to it are serialized. Undefined if it is deleted.
 */
export async function lockAccount(tx: InvalidatingTransaction, id: string): Promise<Account | undefined> {
  const account = await lockIncludingDeleted(tx, id);
  return account?.deleted_at === null ? account : undefined;
}

/** Like `lockAccount`, but also for an account that is deleted and waits for its erasure. */
export async function lockIncludingDeleted(tx: InvalidatingTransaction, id: string): Promise<Account | undefined> {
  tx.assertInvalidated(id);
  const [row] = await tx.query<Account>(`SELECT ${accountColumns} FROM users.users u WHERE id = $1 FOR NO KEY UPDATE`, [
    id,
  ]);
  return row;
}

/** Writes columns of a locked account. Violates `users_username` or `users_email` if the name or email is taken. */
export async function updateAccount(tx: InvalidatingTransaction, id: string, changes: Partial<Account>): Promise<void> {
  await tx.repository(Users).update({ id }, { ...changes, updated_at: () => "clock_timestamp()" });
}

/** Undefined if the account is deleted. */
export async function readPushRecipient(on: Queryable, id: string) {
  const [row] = await on.query<{ name: string | null; push_token: string | null; is_active: boolean }>(
    `SELECT full_name AS name, push_token, ${isUsable("u")} AS is_active FROM users.users u WHERE id = $1 AND deleted_at IS NULL`,
    [id],
  );
  return row;
}

export type Visibility = Pick<Account, "privacy_profile" | "privacy_location">;

export async function readVisibility(on: Queryable, id: string): Promise<Visibility | null> {
  const sql = "SELECT privacy_profile, privacy_location FROM users.users WHERE id = $1";
  return (await on.query<Visibility>(sql, [id]))[0] ?? null;
}

export async function recordLogin(on: Queryable, id: string, at: string): Promise<void> {
  await on.query("SELECT users.record_login($1, $2)", [id, at]);
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
