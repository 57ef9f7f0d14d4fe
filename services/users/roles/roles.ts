import { requireAdministrator, requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import { assertUnchanged } from "../../../lib/actions/preconditions.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { invalidateTokens } from "../../../lib/revocation/confirm-change.ts";
import { groupKey } from "../../../lib/revocation/near-cache.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { appendTenantEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { permissions as knownPermissions } from "./permissions.ts";
import { assertCanManageRole, assertHoldsPermissions } from "./privilege-checks.ts";
import * as repo from "./roles.repo.ts";

type Role = Actions["users.createRole"]["result"];
type Deps = Pick<UsersDeps, "db" | "caches" | "outbox">;
type RoleInput = { readonly name: string; readonly permissions: readonly string[] };

export async function listRoles({ db }: Pick<Deps, "db">, { caller }: ActionContext): Promise<Role[]> {
  return (await repo.listRoles(db, requireAdministrator(caller).tenant_id)).map(viewRole);
}

/** A new role has no members, so no access token depends on it. */
export function createRole(deps: Deps, ctx: ActionContext<RoleInput>): Promise<Role> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.db, ctx, {
    userId: caller.user_id,
    commit: async (tx) => {
      await repo.lockRoles(tx, caller.tenant_id);
      const role = await normalizeAllowedRole(tx, caller, ctx.params);
      const created = await repo.insertRole(tx, caller.tenant_id, role);
      if (!created) throw new AppError("role_exists");
      await appendRoleEvent(deps, tx, ctx, { scope: "none", change: "created", ...role });
      return viewRole(created);
    },
  });
}

/** Changes only the fields that are sent. A renamed role keeps its members, whose cached accounts contain its name and are therefore invalidated. */
export async function updateRole(deps: Deps, ctx: ActionContext<Actions["users.updateRole"]["params"]>): Promise<Role> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.caches.invalidating(ctx.call, groupKey(caller.tenant_id)), ctx, {
    userId: caller.user_id,
    commit: (tx) => changeRole(deps, tx, ctx, caller),
    after: async ({ role, event_id }) => {
      if (event_id !== null) await invalidateTokens(ctx.call, { kind: "tenant", id: caller.tenant_id, event_id });
      return role;
    },
  });
}

async function changeRole(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Actions["users.updateRole"]["params"]>,
  caller: UserCaller,
) {
  const { name, new_name = name, permissions } = ctx.params;
  assertNotReserved(name);
  await repo.lockRoles(tx, caller.tenant_id);
  const current = await findManageableRole(tx, caller, name);
  assertUnchanged(ctx, current.updated_at);
  const requested = await normalizeAllowedRole(tx, caller, {
    name: new_name,
    permissions: permissions ?? current.permissions,
  });
  const isRenamed = new_name !== name;
  if (!isRenamed && isSame(current.permissions, requested.permissions))
    return { role: viewRole(current), event_id: current.event_id };
  if (isRenamed && !(await repo.renameRole(tx, caller.tenant_id, name, new_name))) throw new AppError("role_exists");
  const event_id = await appendRoleEvent(deps, tx, ctx, {
    ...{ scope: "tenant", change: isRenamed ? "renamed" : "updated", ...requested },
    ...(isRenamed && { former_role: name }),
  });
  const changed = await repo.updateRolePermissions(tx, caller.tenant_id, { ...requested, event_id });
  if (!changed) throw new AppError("not_found");
  return { role: viewRole(changed), event_id };
}

export async function deleteRole(
  deps: Deps,
  ctx: ActionContext<Actions["users.deleteRole"]["params"]>,
): Promise<Record<string, never>> {
  const caller = requireUser(ctx.caller);
  const { name } = ctx.params;
  assertNotReserved(name);
  return runIdempotently(deps.caches.invalidating(ctx.call, groupKey(caller.tenant_id)), ctx, {
    userId: caller.user_id,
    commit: async (tx) => {
      await repo.lockRoles(tx, caller.tenant_id);
      await findManageableRole(tx, caller, name);
      await repo.deleteRole(tx, caller.tenant_id, name);
      return appendRoleEvent(deps, tx, ctx, { scope: "tenant", change: "deleted", name });
    },
    after: async (event_id) => {
      await invalidateTokens(ctx.call, { kind: "tenant", id: caller.tenant_id, event_id });
      return {};
    },
  });
}

async function findManageableRole(tx: Transaction, caller: UserCaller, name: string): Promise<repo.RoleRow> {
  const role = await repo.findOwnRole(tx, caller.tenant_id, name);
  if (!role) throw new AppError("not_found");
  await assertCanManageRole(tx, caller, role.permissions);
  return role;
}

/**
 * The role with its permissions sorted and each once. Called under the tenant's lock, so that the caller's permissions can't
 * change before the commit.
 */
async function normalizeAllowedRole(tx: Transaction, caller: UserCaller, { name, permissions }: RoleInput) {
  assertNotReserved(name);
  const requested = [...new Set(permissions)].toSorted();
  assertKnownPermissions(requested);
  await assertHoldsPermissions(tx, caller, requested);
  return { name, permissions: requested };
}

function assertNotReserved(name: string): void {
  if (["admin", "vendor", "user"].includes(name))
    throw new AppError("forbidden", { message: "This is the name of a system role, which can't be changed." });
}

function assertKnownPermissions(requested: readonly string[]): void {
  if (requested.some((one) => one.startsWith("platform:")))
    throw new AppError("forbidden", { message: "A tenant's role can't grant platform permissions." });
  const unknown = requested.find((one) => !Object.hasOwn(knownPermissions, one));
  if (unknown !== undefined) throw fieldError("permissions", "unknown_permission", "contains an unknown permission");
}

interface RoleEvent extends Partial<RoleInput> {
  readonly scope: "tenant" | "none";
  readonly change: string;
  /** The name that a renamed role had. */
  readonly former_role?: string;
}

function appendRoleEvent(
  { outbox }: Pick<Deps, "outbox">,
  tx: Transaction,
  ctx: ActionContext,
  { name, scope, ...data }: RoleEvent,
): Promise<string> {
  const tenantId = requireUser(ctx.caller).tenant_id;
  return appendTenantEvent(outbox, tx, ctx, { type: "role.changed", tenantId, scope, data: { ...data, role: name } });
}

/** `right` is sorted. */
function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.toSorted().every((one, index) => one === right[index]);
}

function viewRole({ name, permissions, system, created_at, updated_at }: repo.RoleRow): Role {
  return { name, permissions, system, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() };
}
