import { DEFAULT_TENANT_ID } from "../../../lib/actions/caller.ts";
import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import { groupKey } from "../../../lib/revocation/near-cache.ts";
import type { Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { RoleMembers, Roles, Users } from "../users.entities.ts";

export type RoleRow = RowOf<typeof Roles>;

const columns = columnsOf(Roles, "r");

/** Serializes changes and grants of a tenant's roles: otherwise a role could be granted while it is being deleted. */
export async function lockRoles(tx: Transaction, tenantId: string): Promise<void> {
  await tx.query("SELECT 1 FROM users.tenants WHERE id = $1 FOR NO KEY UPDATE", [tenantId]);
}

/** The tenant's own roles and the system roles, of which `vendor` exists only in the default tenant. */
export function listRoles(on: Queryable, tenantId: string): Promise<RoleRow[]> {
  return on.query<RoleRow>(
    `SELECT ${columns} FROM users.roles r
     WHERE tenant_id = $1 OR (system AND (name <> 'vendor' OR $1 = '${DEFAULT_TENANT_ID}'::uuid)) ORDER BY system DESC, name`,
    [tenantId],
  );
}

/** One of the tenant's own roles. */
export function findOwnRole(on: Queryable, tenantId: string, name: string): Promise<RoleRow | null> {
  return on.repository(Roles).findOneBy({ tenant_id: tenantId, name, system: false });
}

/** Undefined if the name is taken. */
export async function insertRole(
  tx: Transaction,
  tenantId: string,
  role: Pick<RoleRow, "name" | "permissions">,
): Promise<RoleRow | undefined> {
  const [row] = await tx.query<RoleRow>(
    `INSERT INTO users.roles AS r (tenant_id, name, permissions) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING ${columns}`,
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
    `UPDATE users.roles r SET permissions = $3, event_id = $4, updated_at = clock_timestamp()
     WHERE tenant_id = $1 AND name = $2 AND NOT system RETURNING ${columns}`,
    [tenantId, role.name, role.permissions, role.event_id],
  );
  return row;
}

/** False if the name is taken. */
export async function renameRole(
  tx: InvalidatingTransaction,
  tenantId: string,
  name: string,
  newName: string,
): Promise<boolean> {
  tx.assertInvalidated(groupKey(tenantId));
  if (await findOwnRole(tx, tenantId, newName)) return false;
  await tx.repository(Roles).update({ tenant_id: tenantId, name, system: false }, { name: newName });
  await tx.repository(RoleMembers).update({ tenant_id: tenantId, role: name }, { role: newName });
  return true;
}

/** Grants are deleted with the role: they must not apply to a role that is created under its name later. */
export async function deleteRole(tx: InvalidatingTransaction, tenantId: string, name: string): Promise<void> {
  tx.assertInvalidated(groupKey(tenantId));
  await tx.repository(Roles).delete({ tenant_id: tenantId, name, system: false });
  await tx.repository(RoleMembers).delete({ tenant_id: tenantId, role: name });
}

/** The account's current permissions, which its access token may not contain yet. */
export async function readPermissions(on: Queryable, userId: string): Promise<string[]> {
  const [row] = await on.query<{ permissions: string[] }>(
    "SELECT users.granted_permissions(u.id, u.tenant_id) AS permissions FROM users.users u WHERE u.id = $1",
    [userId],
  );
  return row?.permissions ?? [];
}

/** The account's system roles, apart from `user`, that no other active account of the tenant has. */
export async function readRolesHeldOnlyBy(
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

/** Whether an active account of the tenant has the role `admin`. */
export async function hasAdministrator(on: Queryable, tenantId: string): Promise<boolean> {
  const [row] = await on.query<{ exists: boolean }>(
    `SELECT EXISTS (SELECT FROM users.role_members m JOIN users.users u ON u.id = m.user_id
       WHERE m.tenant_id = $1 AND m.role = 'admin' AND u.is_active AND u.deleted_at IS NULL) AS exists`,
    [tenantId],
  );
  return row?.exists === true;
}

/** The stored roles of an account, which do not include `user`. */
export async function readGrantedRoles(on: Queryable, userId: string): Promise<string[]> {
  const rows = await on.repository(RoleMembers).find({ where: { user_id: userId }, order: { role: "ASC" } });
  return rows.map((row) => row.role);
}

export async function removeRoles(
  tx: InvalidatingTransaction,
  userId: string,
  roles: readonly string[],
): Promise<void> {
  await tx.query("DELETE FROM users.role_members WHERE user_id = $1 AND role = ANY($2::text[])", [userId, roles]);
}

/**
 * Records the event of a change of an account's roles, and who granted the added ones. `insertRoles` leaves `granted_by`
 * null, so every grant without it counts as added.
 */
export async function recordRoleChange(
  tx: Transaction,
  userId: string,
  grantedBy: string | null,
  eventId: string,
): Promise<void> {
  await tx.query("UPDATE users.role_members SET granted_by = $2 WHERE user_id = $1 AND granted_by IS NULL", [
    userId,
    grantedBy,
  ]);
  await tx.repository(Users).update({ id: userId }, { roles_event_id: eventId, updated_at: () => "clock_timestamp()" });
}
