import type { Administrator } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Database, Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { type Account, readUserOfTenant } from "../core/users.repo.ts";
import { listRoles, lockRoles, readPermissions, readRolesHeldOnlyBy } from "./roles.repo.ts";

/** `user_id` is null for an operator, who lacks no permission. */
type Actor = Pick<Administrator, "user_id">;

/**
 * An admin may not grant permissions that they lack. Permissions are read from the database, because the token may predate
 * the loss of a role.
 */
export async function assertHoldsPermissions(
  tx: Transaction,
  actor: Actor,
  required: readonly string[],
): Promise<void> {
  if (await lacks(tx, actor, required))
    throw new AppError("forbidden", { message: "You can't grant permissions you don't have." });
}

/** An admin may not modify or delete a role that grants permissions they lack. */
export async function assertCanManageRole(
  tx: Transaction,
  actor: Actor,
  permissions: readonly string[],
): Promise<void> {
  if (await lacks(tx, actor, permissions))
    throw new AppError("forbidden", { message: "You can't change a role that grants permissions you don't have." });
}

/**
 * Prevents privilege escalation: an admin who can change a more privileged account's email can take it over with a password
 * reset, and one who can disable it can lock its owner out.
 */
export async function assertCanManageAccount(on: Queryable, actor: Actor, account: Pick<Account, "id">): Promise<void> {
  if (actor.user_id === account.id) return;
  if (await lacks(on, actor, await readPermissions(on, account.id)))
    throw new AppError("forbidden", { message: "You can't change an account that has permissions you don't have." });
}

/**
 * For services that store other data of an account. Throws 404 for an account of another tenant, 403 for one with
 * permissions that the actor lacks.
 */
export async function checkCanManage(
  db: Database,
  { params: { id, tenant_id, actor_id } }: ActionContext<Actions["users.canManage"]["params"]>,
): Promise<Record<string, never>> {
  const account = await readUserOfTenant(db, tenant_id, id);
  if (!account) throw new AppError("not_found");
  await assertCanManageAccount(db, { user_id: actor_id }, account);
  return {};
}

/**
 * Keeps at least one active account with each system role: an administrator in a tenant, and a vendor in the first one.
 * `lost`: the roles that the account is about to lose, all of them if it is disabled or deleted. Operators and callers from another tenant may remove the last administrator, since they can
 * appoint the next one. If two administrators disable each other concurrently, the lock makes one of them fail.
 */
export async function assertNotLastAdmin(
  tx: Transaction,
  caller: Administrator,
  account: Account,
  lost: readonly string[] | "all" = "all",
): Promise<void> {
  if (caller.home_tenant_id !== account.tenant_id || !account.is_active) return;
  await lockRoles(tx, account.tenant_id);
  const rolesHeldAlone = await readRolesHeldOnlyBy(tx, account);
  if (rolesHeldAlone.some((role) => lost === "all" || lost.includes(role))) throw new AppError("last_admin");
}

/** The permissions that these roles of the tenant grant. Throws 422 for an unknown role. */
export async function permissionsOfRoles(
  tx: Transaction,
  tenantId: string,
  roles: readonly string[],
): Promise<string[]> {
  const known = new Map((await listRoles(tx, tenantId)).map((role) => [role.name, role.permissions]));
  if (roles.some((role) => !known.has(role)))
    throw fieldError("roles", "unknown_role", "contains a role the tenant does not have");
  return roles.flatMap((role) => known.get(role) ?? []);
}

async function lacks(on: Queryable, { user_id }: Actor, required: readonly string[]): Promise<boolean> {
  if (user_id === null) return false;
  const own = new Set(await readPermissions(on, user_id));
  return required.some((one) => !own.has(one));
}
