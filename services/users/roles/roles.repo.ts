import { DEFAULT_TENANT_ID } from "../../../lib/actions/caller.ts";
import { groupKey } from "../../../lib/revocation/near-cache.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import type { Queryable } from "../core/users.repo.ts";

export interface RoleRow {
  readonly name: string;
  readonly permissions: string[];
  readonly system: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
  /** The event that stated the present permissions. */
  readonly event_id: string | null;
}

const columns = "name, permissions, system, created_at, updated_at, event_id";

/** Whoever makes, changes, drops or grants roles of a tenant takes turns: else a role could be granted while it is dropped. */
export async function lockRoles(tx: Transaction, tenantId: string): Promise<void> {
  await tx.query("SELECT 1 FROM users.tenants WHERE id = $1 FOR NO KEY UPDATE", [tenantId]);
}

/** The tenant's own and the system's; `vendor` is there in the default tenant alone. */
export function listRoles(on: Queryable, tenantId: string): Promise<RoleRow[]> {
  return on.query<RoleRow>(
    `SELECT ${columns} FROM users.roles
     WHERE tenant_id = $1 OR (system AND (name <> 'vendor' OR $1 = '${DEFAULT_TENANT_ID}'::uuid)) ORDER BY system DESC, name`,
    [tenantId],
  );
}

/** One of the tenant's own. */
export async function findOwnRole(on: Queryable, tenantId: string, name: string): Promise<RoleRow | undefined> {
  const [row] = await on.query<RoleRow>(
    `SELECT ${columns} FROM users.roles WHERE tenant_id = $1 AND name = $2 AND NOT system`,
    [tenantId, name],
  );
  return row;
}

/** Undefined where there is one of that name. */
export async function insertRole(
  tx: Transaction,
  tenantId: string,
  role: Pick<RoleRow, "name" | "permissions">,
): Promise<RoleRow | undefined> {
  const [row] = await tx.query<RoleRow>(
    `INSERT INTO users.roles (tenant_id, name, permissions) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ${columns}`,
    [tenantId, role.name, role.permissions],
  );
  return row;
}

export async function updateRolePermissions(
  tx: Transaction,
  tenantId: string,
  role: Pick<RoleRow, "name" | "permissions"> & { readonly event_id: string },
): Promise<RoleRow | undefined> {
  const [row] = await tx.query<RoleRow>(
    `UPDATE users.roles SET permissions = $3, event_id = $4, updated_at = clock_timestamp()
     WHERE tenant_id = $1 AND name = $2 AND NOT system RETURNING ${columns}`,
    [tenantId, role.name, role.permissions, role.event_id],
  );
  return row;
}

/** The grants go with the role: who had it must not have one that is later made under its name. */
export async function deleteRole(tx: InvalidatingTransaction, tenantId: string, name: string): Promise<void> {
  tx.assertInvalidated(groupKey(tenantId));
  await tx.query("DELETE FROM users.roles WHERE tenant_id = $1 AND name = $2 AND NOT system", [tenantId, name]);
  await tx.query("DELETE FROM users.role_members WHERE tenant_id = $1 AND role = $2", [tenantId, name]);
}

/** What an account may do at this moment, whatever its token says. */
export async function readPermissions(on: Queryable, userId: string): Promise<string[]> {
  const [row] = await on.query<{ permissions: string[] }>(
    "SELECT users.granted_permissions(u.id, u.tenant_id) AS permissions FROM users.users u WHERE u.id = $1",
    [userId],
  );
  return row?.permissions ?? [];
}

/** Roles of the system that an account has and no other active one of its tenant. */
export async function readSoleRoles(
  on: Queryable,
  { id, tenant_id }: { readonly id: string; readonly tenant_id: string },
): Promise<string[]> {
  const rows = await on.query<{ name: string }>(
    `SELECT g.name FROM users.granted_roles($1, $2) AS g WHERE g.system AND g.name <> 'user' AND NOT EXISTS (
       SELECT FROM users.role_members m JOIN users.users u ON u.id = m.user_id
       WHERE m.tenant_id = $2 AND m.role = g.name AND m.user_id <> $1 AND u.is_active AND u.deleted_at IS NULL)`,
    [id, tenant_id],
  );
  return rows.map((row) => row.name);
}

export async function readGrantedRoles(on: Queryable, userId: string): Promise<string[]> {
  const rows = await on.query<{ role: string }>(
    "SELECT role FROM users.role_members WHERE user_id = $1 ORDER BY role",
    [userId],
  );
  return rows.map((row) => row.role);
}

export async function removeRoles(
  tx: InvalidatingTransaction,
  userId: string,
  roles: readonly string[],
): Promise<void> {
  await tx.query("DELETE FROM users.role_members WHERE user_id = $1 AND role = ANY($2::text[])", [userId, roles]);
}

export async function recordGrant(tx: Transaction, userId: string, grantedBy: string, eventId: string): Promise<void> {
  await tx.query("UPDATE users.role_members SET granted_by = $2 WHERE user_id = $1 AND granted_by IS NULL", [
    userId,
    grantedBy,
  ]);
  await tx.query("UPDATE users.users SET roles_event_id = $2, updated_at = clock_timestamp() WHERE id = $1", [
    userId,
    eventId,
  ]);
}

export async function readRolesEvent(tx: Transaction, userId: string): Promise<string | null> {
  const [row] = await tx.query<{ roles_event_id: string | null }>(
    "SELECT roles_event_id FROM users.users WHERE id = $1",
    [userId],
  );
  return row?.roles_event_id ?? null;
}
