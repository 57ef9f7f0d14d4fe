import { requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { invalidateTokens } from "../../../lib/revocation/confirm-change.ts";
import { groupKey } from "../../../lib/revocation/near-cache.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { permissions as known } from "./permissions.ts";
import { assertCanManageRole, assertHoldsPermissions } from "./privilege-checks.ts";
import * as repo from "./roles.repo.ts";

type Role = Actions["users.createRole"]["result"];
type Deps = Pick<UsersDeps, "db" | "caches" | "outbox" | "clock" | "random">;
type Named = Actions["users.deleteRole"]["params"];
type Wish = { readonly name: string; readonly permissions: readonly string[] };

export async function listRoles({ db }: Pick<Deps, "db">, { caller }: ActionContext): Promise<Role[]> {
  return (await repo.listRoles(db, requireUser(caller).tenant_id)).map(viewRole);
}

/** Nobody has it yet, so no token says anything of it. */
export function createRole(deps: Deps, ctx: ActionContext<Wish>): Promise<Role> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.db, ctx, {
    userId: caller.user_id,
    commit: async (tx) => {
      const role = await allowedRole(tx, caller, ctx.params);
      const made = await repo.insertRole(tx, caller.tenant_id, role);
      if (!made) throw new AppError("role_exists");
      await appendRoleEvent(deps, tx, ctx, { scope: "none", change: "created", ...role });
      return viewRole(made);
    },
  });
}

export async function updateRole(deps: Deps, ctx: ActionContext<Wish>): Promise<Role> {
  const caller = requireUser(ctx.caller);
  return runIdempotently(deps.db, ctx, {
    userId: caller.user_id,
    commit: async (tx) => {
      const wanted = await allowedRole(tx, caller, ctx.params);
      const present = await findManageableRole(tx, caller, wanted.name);
      if (isSame(present.permissions, wanted.permissions))
        return { role: viewRole(present), event_id: present.event_id };
      const event_id = await appendRoleEvent(deps, tx, ctx, { scope: "tenant", change: "updated", ...wanted });
      const changed = await repo.updateRolePermissions(tx, caller.tenant_id, { ...wanted, event_id });
      if (!changed) throw new AppError("not_found");
      return { role: viewRole(changed), event_id };
    },
    after: async ({ role, event_id }) => {
      if (event_id !== null) await invalidateTokens(ctx.call, { kind: "tenant", id: caller.tenant_id, event_id });
      return role;
    },
  });
}

export async function deleteRole(deps: Deps, ctx: ActionContext<Named>): Promise<Record<string, never>> {
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

/** Under the tenant's lock, so that what the caller may do is what he may do when it commits. */
async function allowedRole(tx: Transaction, caller: UserCaller, { name, permissions }: Wish) {
  assertNotReserved(name);
  const wanted = [...new Set(permissions)].toSorted();
  assertKnownPermissions(wanted);
  await repo.lockRoles(tx, caller.tenant_id);
  await assertHoldsPermissions(tx, caller, wanted);
  return { name, permissions: wanted };
}

function assertNotReserved(name: string): void {
  if (["admin", "vendor", "user"].includes(name))
    throw new AppError("forbidden", { message: "System roles can't be changed." });
}

function assertKnownPermissions(wanted: readonly string[]): void {
  if (wanted.some((one) => one.startsWith("platform:")))
    throw new AppError("forbidden", { message: "A tenant's role can't grant platform permissions." });
  const unknown = wanted.find((one) => !Object.hasOwn(known, one));
  if (unknown !== undefined) throw fieldError("permissions", "unknown_permission", "contains an unknown permission");
}

/** About a role, not about an account: it stands with the one who acted. `scope` says whose tokens it outdates. */
function appendRoleEvent(
  { outbox, clock, random }: Deps,
  tx: Transaction,
  { caller, client, correlationId }: ActionContext,
  { name, ...data }: Partial<Wish> & { readonly scope: "tenant" | "none"; readonly change: string },
): Promise<string> {
  const { user_id, tenant_id } = requireUser(caller);
  return outbox.append(tx, {
    type: "role.changed",
    userId: user_id,
    tenantId: tenant_id,
    correlationId,
    eventId: newId(clock, random),
    data: { ...data, role: name, actor_id: user_id, ...(client.ip !== "" && { ip: client.ip }) },
  });
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.toSorted().every((one, index) => one === right[index]);
}

function viewRole({ name, permissions, system, created_at, updated_at }: repo.RoleRow): Role {
  return { name, permissions, system, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() };
}
