import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { keepEndpoint } from "../endpoints/endpoints.repo.ts";
import { appendWebhookEvent, type WebhookChange } from "../endpoints/webhook-events.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import type { DeliveryRow } from "../webhooks.entities.ts";
import { insertDelivery, startRun } from "./deliveries.repo.ts";
import { viewDelivery } from "./list-deliveries.ts";
import { enqueueDelivery } from "./record-event.ts";

type Delivery = Actions["webhooks.redeliver"]["result"];
type Redelivery = Actions["webhooks.redeliver"]["params"];
type Deps = Pick<WebhooksDeps, "db" | "outbox" | "clock" | "random">;

/** Sends the same message again, with the same `webhook-id`. A job that was waiting to repeat it finds nothing to do. */
export function redeliver(deps: Deps, ctx: ActionContext<Redelivery>): Promise<Delivery> {
  const { tenant_id } = requireUser(ctx.caller);
  const { id: endpoint_id, delivery_id: id } = ctx.params;
  return request(deps, ctx, "redelivered", async (tx, run_id) => {
    const row = await startRun(tx, { tenant_id, endpoint_id, id, run_id });
    if (!row) throw new AppError("not_found");
    return row;
  });
}

export function sendTest(deps: Deps, ctx: ActionContext<{ readonly id: string }>): Promise<Delivery> {
  const { tenant_id } = requireUser(ctx.caller);
  const { id: endpoint_id } = ctx.params;
  const timestamp = deps.clock.now().toISOString();
  const payload = JSON.stringify({ type: "webhook.test", timestamp, data: { tenant_id, webhook_id: endpoint_id } });
  return request(deps, ctx, "tested", (tx, run_id) => {
    const [id, message_id] = [newId(deps.clock, deps.random), newId(deps.clock, deps.random)];
    const event_type = "webhook.test";
    const due = { id, run_id, endpoint_id };
    return insertDelivery(tx, { ...due, tenant_id, user_id: null, message_id, event_type, payload });
  });
}

/** The message, its job and the entry of the activity log are one transaction. */
async function request(
  deps: Deps,
  ctx: ActionContext<{ readonly id: string }>,
  change: WebhookChange["change"],
  record: (tx: Transaction, runId: string) => Promise<DeliveryRow>,
): Promise<Delivery> {
  const { user_id, tenant_id } = requireUser(ctx.caller);
  return runIdempotently(deps.db, ctx, {
    userId: user_id,
    commit: async (tx) => {
      const endpoint = await keepEndpoint(tx, tenant_id, ctx.params.id);
      if (!endpoint) throw new AppError("not_found");
      if (!endpoint.is_enabled) throw new AppError("webhook_disabled");
      const row = await record(tx, newId(deps.clock, deps.random));
      await enqueueDelivery(deps, tx, row, ctx.correlationId);
      await appendWebhookEvent(deps, tx, ctx, { change, webhook_id: endpoint.id });
      return viewDelivery(row);
    },
  });
}
