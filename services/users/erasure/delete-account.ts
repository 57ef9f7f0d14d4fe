import { type Administrator, requireAdministrator, requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { revokeSessions, type SessionsEnd } from "../../../lib/revocation/confirm-change.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { requireRecentAuth } from "../core/require-recent-auth.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { isoOrNull } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { type Account, lockIncludingDeleted } from "../core/users.repo.ts";
import { assertCanManageAccount, assertNotLastAdmin } from "../roles/privilege-checks.ts";
import { markDeleted, scheduleErasure } from "./erasures.repo.ts";

type Deps = Pick<UsersDeps, "db" | "caches" | "outbox" | "clock" | "random"> & { readonly graceDays: number | null };
type Deletion = Actions["users.deleteMe"]["result"];

/** An erasure that is not completed this many days after it was due counts as overdue and is logged as an error. */
const DEADLINE_DAYS = 1;

/**
 * Deactivates the account at once. It is erased after the grace period, during which its owner or an administrator can restore it, or kept if
 * the grace period never ends.
 */
export async function deleteMe(deps: Deps, ctx: ActionContext<Actions["users.deleteMe"]["params"]>): Promise<Deletion> {
  const caller = requireUser(ctx.caller);
  const { user_id } = caller;
  return runIdempotently(deps.caches.invalidating(ctx.call, user_id), ctx, {
    userId: user_id,
    prepare: () => requireRecentAuth(deps, ctx, ctx.params.password),
    commit: async (tx) => {
      const account = await lockIncludingDeleted(tx, user_id);
      if (!account) throw new AppError("session_ended");
      return markForErasure(deps, tx, ctx, caller, account);
    },
    after: (deleted) => endSessions(ctx, deleted),
  });
}

export async function deleteByAdmin(
  deps: Deps,
  ctx: ActionContext<Actions["users.adminDelete"]["params"]>,
): Promise<Deletion> {
  const caller = requireAdministrator(ctx.caller);
  const { id } = ctx.params;
  if (caller.user_id === id)
    throw new AppError("forbidden", { message: "Use DELETE /users/me to delete your own account." });
  return runIdempotently(deps.caches.invalidating(ctx.call, id), ctx, {
    userId: id,
    commit: async (tx) => {
      const account = await lockIncludingDeleted(tx, id);
      if (!account || account.tenant_id !== caller.tenant_id) throw new AppError("not_found");
      await assertCanManageAccount(tx, caller, account);
      return markForErasure(deps, tx, ctx, caller, account);
    },
    after: (deleted) => endSessions(ctx, deleted),
  });
}

/**
 * If the account is already deleted, the sessions are revoked again for the event of that deletion, in case the earlier
 * request failed to do so. `erase` brings the date of the erasure forward even then.
 */
async function markForErasure(
  deps: Deps,
  tx: InvalidatingTransaction,
  ctx: ActionContext<{ readonly erase?: boolean | undefined }>,
  caller: Administrator,
  account: Account,
) {
  const { outbox, clock, random, graceDays } = deps;
  await assertNotLastAdmin(tx, caller, account);
  const dueAt = await scheduleErasure(tx, {
    id: newId(clock, random),
    account,
    requestedBy: caller.user_id,
    graceDays: ctx.params.erase ? 0 : graceDays,
    deadlineDays: DEADLINE_DAYS,
  });
  const erase_at = isoOrNull(dueAt);
  if (account.deleted_at && account.status_event_id)
    return { user_id: account.id, erase_at, event_id: account.status_event_id };
  const eventId = newId(clock, random);
  await markDeleted(tx, account.id, eventId);
  const event_id = await appendUserEvent(outbox, tx, ctx, {
    type: "user.deleted",
    user: account,
    eventId,
    data: { erase_at },
  });
  return { user_id: account.id, erase_at, event_id };
}

async function endSessions(
  { call }: Pick<ActionContext, "call">,
  { erase_at, ...ended }: Deletion & SessionsEnd,
): Promise<Deletion> {
  await revokeSessions(call, ended);
  return { erase_at };
}
