import type { Queryable } from "../core/users.repo.ts";
import type { StoredSettings } from "../tenants/tenants.repo.ts";

export interface SignInRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly username: string | null;
  readonly full_name: string | null;
  readonly is_active: boolean;
  readonly is_verified: boolean;
}

const signInColumns = "u.id, u.tenant_id, u.email, u.username, u.full_name, u.is_active, u.is_verified";

export function findByEmailKey(on: Queryable, tenantId: string, key: string): Promise<SignInRow[]> {
  return on.query(`SELECT ${signInColumns} FROM users.users u WHERE u.tenant_id = $1 AND u.email_key = $2`, [
    tenantId,
    key,
  ]);
}

export function findByUsernameKey(on: Queryable, tenantId: string, key: string): Promise<SignInRow[]> {
  return on.query(`SELECT ${signInColumns} FROM users.users u WHERE u.tenant_id = $1 AND u.username_key = $2`, [
    tenantId,
    key,
  ]);
}

export function findById(on: Queryable, id: string): Promise<SignInRow[]> {
  return on.query(`SELECT ${signInColumns} FROM users.users u WHERE u.id = $1`, [id]);
}

export interface ClaimsRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly full_name: string | null;
  readonly is_active: boolean;
  readonly is_verified: boolean;
  readonly roles: string[];
  readonly permissions: string[];
  readonly is_premium: boolean;
  readonly expires_at: Date | null;
  /** Of the tenant. */
  readonly settings: StoredSettings;
}

/** One statement, so that roles, permissions, tier and status are of one moment. */
export async function readClaims(on: Queryable, id: string): Promise<ClaimsRow | undefined> {
  const [row] = await on.query<ClaimsRow>(
    `SELECT u.id, u.tenant_id, u.email, u.full_name, u.is_active, u.is_verified,
       ARRAY(SELECT g.name FROM users.granted_roles(u.id, u.tenant_id) AS g ORDER BY g.name) AS roles,
       users.granted_permissions(u.id, u.tenant_id) AS permissions,
       (s.user_id IS NOT NULL AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())) AS is_premium, s.expires_at,
       t.settings
     FROM users.users u JOIN users.tenants t ON t.id = u.tenant_id
     LEFT JOIN users.subscriptions s ON s.user_id = u.id WHERE u.id = $1`,
    [id],
  );
  return row;
}

export interface Validity {
  readonly id: string;
  readonly is_active: boolean;
  readonly is_verified: boolean;
}

export function readValidity(on: Queryable, ids: readonly string[]): Promise<Validity[]> {
  return on.query("SELECT id, is_active, is_verified FROM users.users WHERE id = ANY($1::uuid[])", [ids]);
}
