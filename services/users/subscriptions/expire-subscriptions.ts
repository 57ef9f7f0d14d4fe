import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockAccount } from "../core/users.repo.ts";
import { appendSubscriptionEvent } from "./change-subscription.ts";
import { deleteExpired, listExpired } from "./subscriptions.repo.ts";

const BATCH = 500;

/**
 * The tier itself is computed where it is read, and a token ends with it: this tells the mesh, and waits for nobody.
 * What is left over is taken a minute later.
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
