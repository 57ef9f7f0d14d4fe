import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { clearDeliveries } from "../deliveries/deliveries.repo.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import { deleteEndpoint as deleteRow, eraseEndpoints, lockTenant } from "./endpoints.repo.ts";
import { appendWebhookEvent } from "./webhook-events.ts";

/** Messages that are waiting are not sent any more. */
export async function deleteEndpoint(
  deps: Pick<WebhooksDeps, "db" | "outbox">,
  ctx: ActionContext<{ readonly id: string }>,
): Promise<Record<string, never>> {
  const { user_id, tenant_id } = requireUser(ctx.caller);
  const { id } = ctx.params;
  return runIdempotently(deps.db, ctx, {
    userId: user_id,
    // In batches, because a single statement that deletes millions of deliveries would exceed its time limit.
    prepare: () => clearDeliveries(deps.db, tenant_id, id),
    commit: async (tx) => {
      if (!(await deleteRow(tx, tenant_id, id))) throw new AppError("not_found");
      await appendWebhookEvent(deps, tx, ctx, { change: "deleted", webhook_id: id });
      return {};
    },
  });
}

/** The users service calls this before it deletes the tenant, and repeats the call until it succeeds. */
export async function eraseTenant({ db }: Pick<WebhooksDeps, "db">, tenantId: string): Promise<Record<string, never>> {
  await clearDeliveries(db, tenantId);
  await db.transaction(async (tx) => {
    await lockTenant(tx, tenantId);
    await eraseEndpoints(tx, tenantId);
  });
  return {};
}
