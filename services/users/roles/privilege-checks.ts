import type { UserCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { Queryable, Transaction } from "../../../mixins/database.mixin.ts";
import type { Account } from "../core/users.repo.ts";
import { listRoles, lockRoles, readPermissions, readSoleRoles } from "./roles.repo.ts";

type Actor = Pick<UserCaller, "user_id">;

/** Nobody grants what he lacks. Read from the tables, not from his token: a role of his may have gone a moment ago. */
export async function assertHoldsPermissions(tx: Transaction, actor: Actor, wanted: readonly string[]): Promise<void> {
  if (await lacks(tx, actor, wanted))
    throw new AppError("forbidden", { message: "You can't grant permissions you don't have." });
}

/** Nor takes away, or makes less of, what holds more than he has. */
export async function assertCanManageRole(
  tx: Transaction,
  actor: Actor,
  permissions: readonly string[],
): Promise<void> {
  if (await lacks(tx, actor, permissions))
    throw new AppError("forbidden", { message: "You can't change a role that grants permissions you don't have." });
}

/** Who could change the address of a mightier account would own it a reset later; who could disable it would be rid of it. */
export async function assertCanManageAccount(on: Queryable, actor: Actor, account: Pick<Account, "id">): Promise<void> {
  if (actor.user_id === account.id) return;
  if (await lacks(on, actor, await readPermissions(on, account.id)))
    throw new AppError("forbidden", { message: "You can't change an account that has permissions you don't have." });
}

/**
 * `lost`: the roles that the account is about to lose; all of them where it is disabled or deleted. Only those who act
 * from another tenant may take away its last administrator: they can appoint the next one. Of two administrators who
 * disable each other at once one is refused.
 */
export async function assertNotLastAdmin(
  tx: Transaction,
  caller: UserCaller,
  account: Account,
  lost: readonly string[] | "all" = "all",
): Promise<void> {
  if (caller.home_tenant_id !== account.tenant_id || !account.is_active) return;
  await lockRoles(tx, account.tenant_id);
  const sole = await readSoleRoles(tx, account);
  if (sole.some((role) => lost === "all" || lost.includes(role))) throw new AppError("last_admin");
}

/** What roles of this tenant open. 422 for a name that is none of them. */
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

async function lacks(on: Queryable, { user_id }: Actor, wanted: readonly string[]): Promise<boolean> {
  const own = new Set(await readPermissions(on, user_id));
  return wanted.some((one) => !own.has(one));
}
