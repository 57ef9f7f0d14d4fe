import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount } from "../core/users.repo.ts";
import { appendSubscriptionEvent } from "./change-subscription.ts";
import { deleteExpired, listExpired } from "./subscriptions.repo.ts";

const BATCH = 500;

/**
 * Records `subscription.changed` for expired subscriptions. The tier needs no update: it is computed on read, and access
 * tokens end with it. If there are more than a batch, the next run continues a minute later.
 */
export async function expireSubscriptions(
  deps: Pick<UsersDeps, "db" | "caches" | "outbox" | "clock" | "random">,
  ctx: ActionContext,
): Promise<{ expired: number }> {
  let expired = 0;
  for (const userId of await listExpired(deps.db, BATCH)) {
    await deps.caches.invalidating(ctx.call, userId).transaction(async (tx) => {
      const account = await lockAccount(tx, userId);
      if (!(await deleteExpired(tx, userId)) || !account) return;
      await appendSubscriptionEvent(deps, tx, ctx, account, null);
      expired += 1;
    });
  }
  return { expired };
}
