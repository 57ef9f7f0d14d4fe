import type { UserCaller } from "../../lib/caller.ts";
import { AppError, fieldError } from "../../lib/errors.ts";
import type { Transaction } from "../../mixins/database.mixin.ts";
import { listRoles, readPermissions } from "./roles.repo.ts";
import type { Account } from "./users.repo.ts";

/** Nobody grants what he lacks. Read from the tables, not from his token: a role of his may have gone a moment ago. */
export async function refuseBeyond(tx: Transaction, caller: UserCaller, wanted: readonly string[]): Promise<void> {
  const own = new Set(await readPermissions(tx, caller.user_id));
  if (wanted.some((one) => !own.has(one)))
    throw new AppError("forbidden", { message: "You can't grant what you don't have yourself." });
}

/** Who could change the address of a mightier account would own it a reset later. */
export async function refuseMightier(tx: Transaction, caller: UserCaller, account: Account): Promise<void> {
  if (caller.user_id === account.id) return;
  const own = new Set(await readPermissions(tx, caller.user_id));
  const theirs = await readPermissions(tx, account.id);
  if (theirs.some((one) => !own.has(one)))
    throw new AppError("forbidden", { message: "This account may do what you may not: you can't change it." });
}

/** What roles of this tenant open. 422 for a name that is none of them. */
export async function permissionsOfRoles(
  tx: Transaction,
  tenantId: string,
  roles: readonly string[],
): Promise<string[]> {
  const known = new Map((await listRoles(tx, tenantId)).map((role) => [role.name, role.permissions]));
  if (roles.some((role) => !known.has(role)))
    throw fieldError("roles", "unknown_role", "names a role that the tenant does not have");
  return roles.flatMap((role) => known.get(role) ?? []);
}
