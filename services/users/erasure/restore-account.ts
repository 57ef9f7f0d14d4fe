import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { appendUserEvent } from "../core/user-events.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockIncludingDeleted, updateAccount } from "../core/users.repo.ts";
import { cancelDeletion, readErasure } from "./erasures.repo.ts";

type Deps = Pick<UsersDeps, "caches" | "outbox" | "clock" | "random">;
type Ctx = ActionContext<Actions["users.restoreOwn"]["params"]>;

/**
 * 403 `account_disabled` if an administrator has deactivated or deleted the account: only an administrator takes that back.
 * 410 `account_erased` once the erasure has begun. Nothing happens to an active account, so that a retry succeeds.
 */
export async function restoreOwn(deps: Deps, ctx: Ctx): Promise<Record<string, never>> {
  await deps.caches.invalidating(ctx.call, ctx.params.id).transaction((tx) => restore(deps, tx, ctx));
  return {};
}

async function restore({ outbox, clock, random }: Deps, tx: InvalidatingTransaction, ctx: Ctx): Promise<void> {
  const account = await lockIncludingDeleted(tx, ctx.params.id);
  if (!account) throw new AppError("account_erased");
  if (account.is_active) return;
  const erasure = account.deleted_at ? await readErasure(tx, account.id) : null;
  if (erasure?.requested_by !== account.id) throw new AppError("account_disabled");
  if (!(await cancelDeletion(tx, account.id))) throw new AppError("account_erased");
  const eventId = newId(clock, random);
  await updateAccount(tx, account.id, { is_active: true, inactive_reason: null, status_event_id: eventId });
  await appendUserEvent(outbox, tx, ctx, {
    type: "user.reactivated",
    user: account,
    eventId,
    data: { actor_id: account.id },
  });
}
