import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import { idempotently, preparedIdempotently } from "../../../mixins/idempotency.ts";
import { requireRecentAuth } from "../core/require-recent-auth.ts";
import { appendUserEvent } from "../core/user-events.ts";
import { isoOrNull } from "../core/user-view.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import type { Account } from "../core/users.repo.ts";
import { assertCanManageAccount, assertNotLastAdmin } from "../roles/privilege-checks.ts";
import { lockIncludingDeleted, markDeleted, scheduleErasure } from "./erasures.repo.ts";

type Deps = Pick<UsersDeps, "db" | "outbox" | "clock" | "random"> & { readonly graceDays: number };
type Deletion = Actions["users.deleteMe"]["result"];

/** Kept with the answer: a repeated request must see the sessions ended by that very event. */
interface Decided extends Deletion {
  readonly event_id: string;
}

/** Within so many days after it is due it must be done, or somebody is told. */
const DEADLINE_DAYS = 1;

/** Deactivated at once, erased later. An administrator can take it back until then. */
export async function deleteMe(deps: Deps, ctx: ActionContext<Actions["users.deleteMe"]["params"]>): Promise<Deletion> {
  const { user_id } = requireUser(ctx.caller);
  const decided = await preparedIdempotently<void, Decided>(deps.db, ctx, user_id, {
    prepare: () => requireRecentAuth(deps, ctx, ctx.params.password),
    commit: async (tx) => {
      const account = await lockIncludingDeleted(tx, user_id);
      if (!account) throw new AppError("session_ended");
      return decide(deps, tx, ctx, account);
    },
  });
  return revokeSessions(ctx, user_id, decided);
}

export async function deleteByAdmin(
  deps: Deps,
  ctx: ActionContext<Actions["users.adminDelete"]["params"]>,
): Promise<Deletion> {
  const caller = requireUser(ctx.caller);
  const { id } = ctx.params;
  if (caller.user_id === id)
    throw new AppError("forbidden", { message: "Use DELETE /users/me to delete your own account." });
  const decided = await idempotently<Decided>(deps.db, ctx, id, async (tx) => {
    const account = await lockIncludingDeleted(tx, id);
    if (!account || account.tenant_id !== caller.tenant_id) throw new AppError("not_found");
    await assertCanManageAccount(tx, caller, account);
    return decide(deps, tx, ctx, account);
  });
  return revokeSessions(ctx, id, decided);
}

/** Deleted already: what an earlier request could not confirm is confirmed now, and `erase` counts still. */
async function decide(
  deps: Deps,
  tx: Transaction,
  ctx: ActionContext<{ readonly erase?: boolean | undefined }>,
  account: Account & { readonly deleted_at: Date | null },
): Promise<Decided> {
  const { outbox, clock, random, graceDays } = deps;
  await assertNotLastAdmin(tx, requireUser(ctx.caller), account);
  const dueAt = await scheduleErasure(tx, {
    id: newId(clock, random),
    account,
    requestedBy: requireUser(ctx.caller).user_id,
    graceDays: ctx.params.erase ? 0 : graceDays,
    deadlineDays: DEADLINE_DAYS,
  });
  const erase_at = isoOrNull(dueAt) ?? "";
  if (account.deleted_at && account.status_event_id) return { erase_at, event_id: account.status_event_id };
  const eventId = newId(clock, random);
  await markDeleted(tx, account.id, eventId);
  const event_id = await appendUserEvent(outbox, tx, ctx, {
    type: "user.deleted",
    user: account,
    eventId,
    data: { erase_at },
  });
  return { erase_at, event_id };
}

async function revokeSessions(
  ctx: Pick<ActionContext, "call">,
  user_id: string,
  { event_id, erase_at }: Decided,
): Promise<Deletion> {
  try {
    await ctx.call("sessions.revokeAll", { user_id, event_id });
  } catch (cause) {
    throw new AppError("revocation_pending", { retry_after: 1, cause });
  }
  return { erase_at };
}
