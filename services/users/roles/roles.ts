import { requireUser, type UserCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import { idempotently } from "../../../mixins/idempotency.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { invalidateTenantTokens } from "./invalidate-tokens.ts";
import { permissions as known } from "./permissions.ts";
import { assertCanManageRole, assertHoldsPermissions } from "./privilege-checks.ts";
import * as repo from "./roles.repo.ts";

type Role = Actions["users.createRole"]["result"];
type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "random">;
type Named = Actions["users.deleteRole"]["params"];
type Wish = { readonly name: string; readonly permissions: readonly string[] };

/** `event_id` is kept with the answer: a repeated request must see the tokens outdated by that very event. */
interface Decided {
  readonly role: Role | null;
  readonly event_id: string | null;
}

export async function listRoles({ db }: Pick<Deps, "db">, { caller }: ActionContext): Promise<Role[]> {
  return (await repo.listRoles(db, requireUser(caller).tenant_id)).map(viewRole);
}

/** Nobody has it yet, so no token says anything of it. */
export function createRole(deps: Deps, ctx: ActionContext<Wish>): Promise<Role> {
  const caller = requireUser(ctx.caller);
  return idempotently(deps.db, ctx, caller.user_id, async (tx) => {
    const role = await allowedRole(tx, caller, ctx.params);
    const made = await repo.insertRole(tx, caller.tenant_id, role);
    if (!made) throw new AppError("role_exists");
    await appendRoleEvent(deps, tx, ctx, { scope: "none", change: "created", ...role });
    return viewRole(made);
  });
}

export async function updateRole(deps: Deps, ctx: ActionContext<Wish>): Promise<Role> {
  const caller = requireUser(ctx.caller);
  const { role, event_id } = await idempotently<Decided>(deps.db, ctx, caller.user_id, async (tx) => {
    const wanted = await allowedRole(tx, caller, ctx.params);
    const present = await repo.findOwnRole(tx, caller.tenant_id, wanted.name);
    if (!present) throw new AppError("not_found");
    await assertCanManageRole(tx, caller, present.permissions);
    if (isSame(present.permissions, wanted.permissions)) return { role: viewRole(present), event_id: present.event_id };
    const event_id = await appendRoleEvent(deps, tx, ctx, { scope: "tenant", change: "updated", ...wanted });
    const changed = await repo.updateRolePermissions(tx, caller.tenant_id, { ...wanted, event_id });
    return { role: changed ? viewRole(changed) : null, event_id };
  });
  if (!role) throw new AppError("not_found");
  if (event_id !== null) await invalidateTenantTokens(ctx, caller.tenant_id, event_id);
  return role;
}

export async function deleteRole(deps: Deps, ctx: ActionContext<Named>): Promise<Record<string, never>> {
  const caller = requireUser(ctx.caller);
  const { name } = ctx.params;
  assertNotReserved(name);
  const { event_id } = await idempotently<Decided>(deps.db, ctx, caller.user_id, async (tx) => {
    await repo.lockRoles(tx, caller.tenant_id);
    const present = await repo.findOwnRole(tx, caller.tenant_id, name);
    if (!present) throw new AppError("not_found");
    await assertCanManageRole(tx, caller, present.permissions);
    await repo.deleteRole(tx, caller.tenant_id, name);
    return { role: null, event_id: await appendRoleEvent(deps, tx, ctx, { scope: "tenant", change: "deleted", name }) };
  });
  if (event_id !== null) await invalidateTenantTokens(ctx, caller.tenant_id, event_id);
  return {};
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
