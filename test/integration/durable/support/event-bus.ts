import { randomUUID } from "node:crypto";
import { connect, type NatsConnection } from "nats";
import pino from "pino";
import { openEventLog } from "../../../../lib/events/event-log.ts";
import type { MeshEvent } from "../../../../lib/events/events.ts";
import { systemClock, systemTimers } from "../../../../lib/runtime/clock.ts";
import { natsOptions } from "../../../../lib/runtime/nats-options.ts";
import type { EventConsumer, EventLog } from "../../../../lib/runtime/platform.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Server, startNatsServer } from "../../../support/start/servers.ts";

const tenantId = randomUUID();

export function event(more: Partial<Pick<MeshEvent, "event_type" | "user_id" | "version">> = {}): MeshEvent {
  return {
    event_id: randomUUID(),
    event_type: "user.updated",
    source: "users",
    version: 1,
    schema_version: 1,
    user_id: randomUUID(),
    tenant_id: tenantId,
    timestamp: new Date().toISOString(),
    correlation_id: "test",
    ...more,
  };
}

export function eventsOf(userId: string, count: number): MeshEvent[] {
  return Array.from({ length: count }, (_, index) => event({ user_id: userId, version: index + 1 }));
}

export function consumer(handle: EventConsumer["handle"], more: Partial<EventConsumer> = {}): EventConsumer {
  return { name: `c-${randomUUID()}`, stream: "USERS", types: ["user.updated"], handle, ...more };
}

/** A node's event log: over JetStream, or in one process without NATS. */
export function openLog(natsUrl: string | undefined): EventLog {
  return openEventLog(natsUrl, { clock: systemClock, timers: systemTimers, log: pino({ level: "silent" }) });
}

/** Publishes repeatedly until acknowledged, as an outbox does. */
export async function publish(events: EventLog, one: MeshEvent): Promise<void> {
  await eventually("the event is acknowledged", () => events.publish(one).then(() => true));
}

/** A NATS server and the event logs of nodes that use it. */
export interface EventBus {
  readonly nats: Server;
  open(): Promise<EventLog>;
  /** A plain client of the server. */
  withClient<T>(work: (client: NatsConnection) => Promise<T>): Promise<T>;

  close(): Promise<void>;
}

export async function createEventBus(): Promise<EventBus> {
  const nats = await startNatsServer();
  const logs = new Set<EventLog>();
  return {
    nats,
    async open() {
      const opened = await openLog(nats.url);
      logs.add(opened);
      return opened;
    },
    async withClient(work) {
      const client = await connect(natsOptions(nats.url));
      return work(client).finally(() => client.close());
    },
    async close() {
      await Promise.all([...logs].map((one) => one.close()));
      logs.clear();
    },
  };
}
