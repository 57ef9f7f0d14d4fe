import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { AckPolicy, connect, type JetStreamManager, type NatsConnection } from "nats";
import pino from "pino";
import { openEventLog } from "../../../lib/events/event-log.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { systemClock, systemTimers } from "../../../lib/runtime/clock.ts";
import { natsOptions } from "../../../lib/runtime/nats-options.ts";
import type { EventLog } from "../../../lib/runtime/platform.ts";
import { eventually } from "../../support/eventually.ts";
import { type Server, startNatsServer } from "../../support/start/servers.ts";

const TIMES = 2;
/** Long enough for the server to delete the files of the stream. */
const DELETION_MS = 2_000;

let nats: Server;
let client: NatsConnection;
let manager: JetStreamManager;
let log: EventLog;
beforeAll(async () => {
  nats = await startNatsServer();
  client = await connect(natsOptions(nats.url));
  manager = await client.jetstreamManager();
  log = openEventLog(nats.url, { clock: systemClock, timers: systemTimers, log: pino({ level: "silent" }) });
  await eventually("the streams", () => log.streamId("USERS"));
});
afterAll(async () => {
  await log?.close();
  await client?.close();
  await nats?.stop();
});

async function publish(count: number): Promise<void> {
  const event = { event_type: "user.updated", source: "users", version: 1, schema_version: 1, correlation_id: "c" };
  const events = Array.from({ length: count }, () => ({
    ...{ ...event, event_id: randomUUID(), user_id: randomUUID(), tenant_id: randomUUID() },
    timestamp: new Date().toISOString(),
  }));
  await Promise.all(events.map((one) => log.publish(one as MeshEvent)));
}

/** Deletes the stream while the event log looks at it all the time, and resolves once there is another one. */
async function recreate(): Promise<void> {
  const before = await log.streamId("USERS");
  for (const name of ["one", "two", "three", "four"])
    await manager.consumers.add("USERS", { durable_name: name, ack_policy: AckPolicy.Explicit });
  const started = performance.now();
  const deleted = manager.streams.delete("USERS");
  await eventually("another stream", async () => (await log.streamId("USERS")) !== before, { every: 0 });
  await deleted;
  expect(performance.now() - started).toBeGreaterThan(DELETION_MS);
}

test("a stream that is created again after its deletion keeps every message that it acknowledges", async () => {
  const lost: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    await publish(100);
    await recreate();
    await publish(20);
    const { messages } = (await manager.streams.info("USERS")).state;
    expect(messages).toBe(20);
    for (let seq = 1; seq <= messages; seq += 1)
      await manager.streams.getMessage("USERS", { seq }).catch(() => lost.push(seq));
  }
  expect(lost).toEqual([]);
});
