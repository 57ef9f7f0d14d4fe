import { type Administrator, requireAdministrator } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import { assertUnchanged } from "../../../lib/actions/preconditions.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { confirmed, revokeSessions } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { type UserView, viewUser } from "../core/user-view.ts";
import type { Cause, UsersDeps } from "../core/users.deps.ts";
import {
  type Account,
  lockAccount,
  lockIncludingDeleted,
  readUserOfTenant,
  updateAccount,
} from "../core/users.repo.ts";
import { cancelDeletion } from "../erasure/erasures.repo.ts";
import { assertCanManageAccount, assertNotLastAdmin } from "../roles/privilege-checks.ts";

type Params = Actions["users.setStatus"]["params"];
type Deps = Pick<UsersDeps, "caches" | "outbox" | "clock" | "random">;

/**
 * Commits the status, then revokes the sessions and invalidates the caches. It commits even while the sessions service is
 * unavailable, because the event repeats both calls. Revoking is idempotent per event id, so a delayed event does not end
 * a later sign-in.
 */
export async function setStatus(deps: Deps, ctx: ActionContext<Params>): Promise<UserView> {
  const caller = requireAdministrator(ctx.caller);
  assertNotDeactivatingSelf(caller, ctx.params);
  return runIdempotently(deps.caches.invalidatingLater(ctx.params.id), ctx, {
    userId: ctx.params.id,
    commit: (tx) => changeStatus(deps, tx, ctx, caller),
    after: async ({ user, event_id }) => {
      if (!user.is_active && event_id !== null) await revokeSessions(ctx.call, { user_id: user.id, event_id });
      await confirmed(deps.caches.invalidate(ctx.call, user.id));
      return user;
    },
  });
}

export function assertNotDeactivatingSelf(
  caller: Administrator,
  { id, is_active }: { readonly id: string; readonly is_active?: boolean | undefined },
): void {
  if (caller.user_id === id && is_active === false)
    throw new AppError("forbidden", { message: "You can't deactivate your own account." });
}

async function changeStatus(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<Params>,
  caller: Administrator,
) {
  const { id, is_active } = ctx.params;
  const account = is_active ? await lockIncludingDeleted(tx, id) : await lockAccount(tx, id);
  if (!account || account.tenant_id !== caller.tenant_id) throw new AppError("not_found");
  await assertCanManageAccount(tx, caller, account);
  assertUnchanged(ctx, account.updated_at);
  const event_id = await writeStatus(deps, tx, ctx, { caller, account, is_active, reason: ctx.params.reason ?? null });
  const row = await readUserOfTenant(tx, caller.tenant_id, id);
  if (!row) throw new AppError("not_found");
  return { user: viewUser(row), event_id };
}

interface StatusChange {
  readonly caller: Administrator;
  /** Locked, and compared with `If-Match`. */
  readonly account: Account;
  readonly is_active: boolean;
  readonly reason: string | null;
}

/**
 * Resolves to the id of the event of the latest change: if the account is already deactivated, its sessions are revoked
 * again for that event, in case the earlier request failed to.
 */
export async function writeStatus(
  deps: Pick<Deps, "outbox" | "clock" | "random">,
  tx: InvalidatingTransaction,
  cause: Cause,
  change: StatusChange,
): Promise<string | null> {
  const { caller, account, is_active } = change;
  if (!is_active) await assertNotLastAdmin(tx, caller, account);
  return account.is_active === is_active ? account.status_event_id : switchStatus(deps, tx, cause, change);
}

async function switchStatus(
  { outbox, clock, random }: Pick<Deps, "outbox" | "clock" | "random">,
  tx: InvalidatingTransaction,
  cause: Cause,
  { account, is_active, reason }: StatusChange,
): Promise<string> {
  const eventId = newId(clock, random);
  if (account.deleted_at && !(await cancelDeletion(tx, account.id))) throw new AppError("account_erased");
  const inactive_reason = is_active ? null : reason;
  await updateAccount(tx, account.id, { is_active, inactive_reason, status_event_id: eventId });
  const type = is_active ? "user.reactivated" : "user.deactivated";
  return appendUserEvent(outbox, tx, cause, { type, user: account, eventId, data: { reason } });
}
