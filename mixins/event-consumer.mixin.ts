import type { ServiceBroker, ServiceSchema } from "moleculer";
import { type Call, callAsService } from "../lib/actions/typed-call.ts";
import type { EventType, MeshEvent, StreamName } from "../lib/events/events.ts";
import { journaled } from "../lib/observability/call-journal.ts";
import type { Tracing } from "../lib/observability/tracing.ts";
import type { Clock } from "../lib/runtime/clock.ts";
import type { Platform } from "../lib/runtime/platform.ts";
import type { Transaction, TransactionSource } from "./database/database.mixin.ts";
import { INBOX_DAYS } from "./service-sweep.ts";

export interface ConsumerOptions {
  readonly service: string;
  readonly stream: StreamName;
  /** By event type. Events may be delivered again: use `handleOnce`, or a call that is idempotent per event id. */
  readonly handlers: Readonly<Partial<Record<EventType, (event: MeshEvent, call: Call) => Promise<void>>>>;
}

/** Consumes events while the service runs. All nodes of a service share one durable consumer. */
export function eventConsumer(platform: Platform, consumption: ConsumerOptions): Partial<ServiceSchema> {
  let stop: () => Promise<void> = async () => undefined;
  const handle = async (broker: ServiceBroker, event: MeshEvent) => {
    const { correlation_id, event_type, source } = event;
    const call = callAsService(broker, consumption.service, correlation_id);
    const step = {
      kind: "event",
      name: event_type,
      service: consumption.service,
      from: source,
      correlation_id,
    } as const;
    await journaled(platform.metrics.journal, step, async () => consumption.handlers[event_type]?.(event, call));
  };
  const consume = async (broker: ServiceBroker) => {
    stop = await platform.events.consume({
      name: `${consumption.service}-${consumption.stream.toLowerCase()}`,
      stream: consumption.stream,
      types: Object.keys(consumption.handlers) as EventType[],
      handle: (event) => inTrace(platform.tracing, consumption.service, event, () => handle(broker, event)),
    });
  };
  return {
    // In one process the log does not store events for consumers that register later, and another service's relay may
    // start first.
    created(this: { broker: ServiceBroker }) {
      if (platform.events.embedded) void consume(this.broker);
    },
    async started(this: { broker: ServiceBroker }) {
      if (!platform.events.embedded) await consume(this.broker);
    },
    stopped: () => stop(),
  };
}

function inTrace(
  tracing: Tracing | undefined,
  service: string,
  { event_type, traceparent }: MeshEvent,
  work: () => Promise<void>,
): Promise<void> {
  if (!tracing || traceparent === undefined) return work();
  return tracing.run({ name: `${service} ${event_type}`, kind: "consumer", parent: traceparent }, work);
}

const EXPIRY_DAYS = INBOX_DAYS - 5;

/**
 * Streams have no age limit, the inbox has one. An event older than the inbox was handled when it was new, and a consumer
 * that reads the stream again from the beginning must not handle it twice.
 */
export function isExpiredEvent(clock: Clock, { timestamp }: Pick<MeshEvent, "timestamp">): boolean {
  return clock.now().getTime() - Date.parse(timestamp) > EXPIRY_DAYS * 86_400_000;
}

/** Runs `effect` in a transaction, once per event and operation, however often it is delivered. Ignores expired events. */
export async function handleOnce<T extends Transaction>(
  { db, clock }: { readonly db: TransactionSource<T>; readonly clock: Clock },
  event: Pick<MeshEvent, "event_id" | "timestamp">,
  operation: string,
  effect: (tx: T) => Promise<void>,
): Promise<void> {
  if (isExpiredEvent(clock, event)) return;
  await db.transaction(async (tx) => {
    if (await claimInbox(db, tx, event.event_id, operation)) await effect(tx);
  });
}

/** True for the first transaction with this event id and operation. A concurrent one waits for its commit. */
export async function claimInbox(
  db: Pick<TransactionSource, "schema">,
  tx: Transaction,
  eventId: string,
  operation: string,
): Promise<boolean> {
  const sql = `INSERT INTO ${db.schema}.inbox (event_id, operation) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id`;
  return (await tx.query(sql, [eventId, operation])).length === 1;
}
