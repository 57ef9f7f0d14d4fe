import { type Administrator, requireAdministrator } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { assertUnchanged } from "../../../lib/actions/preconditions.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { confirmed, invalidateTokens, revokeSessions } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, insertRoles, lockAccount, lockIncludingDeleted, readUserOfTenant } from "../core/users.repo.ts";
import {
  assertCanManageAccount,
  assertHoldsPermissions,
  assertNotLastAdmin,
  permissionsOfRoles,
} from "../roles/privilege-checks.ts";
import { lockRoles, readGrantedRoles, recordRoleChange, removeRoles } from "../roles/roles.repo.ts";
import { requestedSubscription, setSubscription } from "../subscriptions/change-subscription.ts";
import { changeAccount } from "./change-account.ts";
import { assertNotDeactivatingSelf, writeStatus } from "./set-status.ts";

type Params = Actions["users.adminUpdate"]["params"];
type Deps = Pick<UsersDeps, "caches" | "outbox" | "clock" | "random">;

/** Changes only the fields that are sent. Once it has answered, roles and tier apply to the user's next request. */
export async function adminUpdate(deps: Deps, ctx: ActionContext<Params>): Promise<UserView> {
  const caller = requireAdministrator(ctx.caller);
  if (ctx.params.roles && ctx.caller.kind === "user" && !ctx.caller.permissions.includes("roles:write"))
    throw new AppError("forbidden", { message: "Assigning roles requires the permission roles:write." });
  assertNotDeactivatingSelf(caller, ctx.params);
  return runIdempotently(deps.caches.invalidating(ctx.call, ctx.params.id), ctx, {
    userId: ctx.params.id,
    commit: (tx) => change(deps, tx, ctx, caller),
    after: async ({ user, event_ids, ended_by, confirmed_by: event_id }) => {
      if (ended_by !== null) await revokeSessions(ctx.call, { user_id: user.id, event_id: ended_by });
      await Promise.all(
        event_ids.map((event_id) => invalidateTokens(ctx.call, { kind: "user", id: user.id, event_id })),
      );
      if (event_id === null) return user;
      // Who registered the account is unknown, so all access from before the confirmation is revoked.
      await confirmed(ctx.call("auth.revokeConfirmedByAdmin", { user_id: user.id, event_id }));
      return { ...user, has_push_token: false };
    },
  });
}

async function change(deps: Deps, tx: InvalidatingTransaction, ctx: ActionContext<Params>, caller: Administrator) {
  const { id, roles, subscription, is_active } = ctx.params;
  const account = is_active ? await lockIncludingDeleted(tx, id) : await lockAccount(tx, id);
  if (!account || account.tenant_id !== caller.tenant_id) throw new AppError("not_found");
  await assertCanManageAccount(tx, caller, account);
  assertUnchanged(ctx, account.updated_at);
  const { account: changed, confirmedBy: confirmed_by } = await changeAccount(deps, tx, ctx, account);
  const event_ids = [
    roles && (await setRoles(deps, tx, ctx, caller, changed, roles)),
    subscription !== undefined && (await setTier(deps, tx, ctx, changed, subscription)),
  ].filter((one) => typeof one === "string");
  const status = { caller, account: changed, is_active: is_active === true, reason: null };
  const status_by = is_active === undefined ? null : await writeStatus(deps, tx, ctx, status);
  const row = await readUserOfTenant(tx, caller.tenant_id, id);
  if (!row) throw new AppError("not_found");
  return { user: viewUser(row), event_ids, ended_by: is_active === false ? status_by : null, confirmed_by };
}

/**
 * Resolves to the id of the event of the latest change, so that a repeated request invalidates the tokens again.
 */
async function setRoles(
  { outbox, clock, random }: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  caller: Administrator,
  account: Account,
  roles: readonly string[],
): Promise<string | null> {
  await lockRoles(tx, account.tenant_id);
  const requested = new Set(roles.filter((role) => role !== "user"));
  const current = new Set(await readGrantedRoles(tx, account.id));
  const added = [...requested].filter((role) => !current.has(role));
  const removed = [...current].filter((role) => !requested.has(role));
  if (added.length + removed.length === 0) return account.roles_event_id;
  await assertHoldsPermissions(tx, caller, await permissionsOfRoles(tx, account.tenant_id, added));
  await assertNotLastAdmin(tx, caller, account, removed);
  await removeRoles(tx, account.id, removed);
  await insertRoles(tx, account.id, account.tenant_id, added);
  const eventId = newId(clock, random);
  await recordRoleChange(tx, account.id, caller.user_id, eventId);
  const data = { scope: "user", roles: [...requested].toSorted(), added, removed };
  return appendUserEvent(outbox, tx, ctx, { type: "role.changed", user: account, eventId, data });
}

function setTier(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  account: Account,
  requested: NonNullable<Params["subscription"]> | null,
): Promise<string | null> {
  const next = requested && requestedSubscription(deps.clock, requested);
  return setSubscription(deps, tx, ctx, account, next);
}
