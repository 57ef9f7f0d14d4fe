import type { MeshEvent } from "../../../lib/events/events.ts";
import { publicEvent } from "../../../lib/events/public-events.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import { handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import type { WebhooksDeps } from "../webhooks.deps.ts";
import { type DueDelivery, insertForAll, isWanted } from "./deliveries.repo.ts";

type Deps = Pick<WebhooksDeps, "db" | "outbox" | "clock">;

/**
 * Records a delivery and its job for each subscribed endpoint, in the transaction of the inbox row: an event is recorded
 * exactly once for each endpoint.
 */
export async function recordEvent({ db, outbox, clock }: Deps, event: MeshEvent): Promise<void> {
  // A snapshot describes accounts to services that keep a copy of them. Nothing has happened to these accounts.
  if (event.snapshot === true || !(await isWanted(db, event))) return;
  await handleOnce({ db, clock }, event, "deliver", async (tx) => {
    const message = {
      tenant_id: event.tenant_id,
      event_type: event.event_type as DeliveredType,
      // The message about an erasure is sent after the rows about the user are deleted, so its row must not be one of them.
      user_id: event.event_type === "user.erased" ? null : event.user_id,
      message_id: event.event_id,
      payload: JSON.stringify(publicEvent(event)),
    };
    const due = await insertForAll(tx, message, event.timestamp);
    for (const one of due) await enqueueDelivery({ outbox }, tx, one, event.correlation_id);
  });
}

type DeliveredType = Parameters<typeof insertForAll>[1]["event_type"];

/**
 * The endpoint takes the place of the user in the outbox: jobs are relayed in order per endpoint, and are not erased with a
 * user, because they contain ids only.
 */
export function enqueueDelivery(
  { outbox }: Pick<WebhooksDeps, "outbox">,
  tx: Transaction,
  { id, run_id, endpoint_id }: DueDelivery,
  correlation_id: string,
): Promise<void> {
  const job = { id: run_id, name: "deliver", data: { id, correlation_id } };
  return outbox.enqueue(tx, { queue: "webhooks", job, userId: endpoint_id });
}
