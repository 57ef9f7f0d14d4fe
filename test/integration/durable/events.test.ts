import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { connect, type NatsConnection } from "nats";
import pino from "pino";
import { systemClock, systemTimers } from "../../../lib/clock.ts";
import { type EmbeddedNats, startNats } from "../../../lib/embedded/nats.ts";
import { freePort } from "../../../lib/embedded/ports.ts";
import { openEventLog } from "../../../lib/event-log.ts";
import { type MeshEvent, subjectOf } from "../../../lib/events.ts";
import { natsOptions } from "../../../lib/nats-options.ts";
import type { EventConsumer, EventLog } from "../../../lib/platform.ts";
import { eventually } from "../../support/eventually.ts";
import { removeDir, scratchDir } from "../embedded/support/scratch.ts";

const log = pino({ level: "silent" });
const tenantId = randomUUID();

const event = (more: Partial<Pick<MeshEvent, "event_type" | "user_id" | "version">> = {}): MeshEvent => ({
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
});

const eventsOf = (userId: string, count: number): MeshEvent[] =>
  Array.from({ length: count }, (_, index) => event({ user_id: userId, version: index + 1 }));

const consumer = (handle: EventConsumer["handle"], more: Partial<EventConsumer> = {}): EventConsumer => ({
  name: `c-${randomUUID()}`,
  stream: "USERS",
  types: ["user.updated"],
  handle,
  ...more,
});

describe("events over JetStream", () => {
  let dir: string;
  let port: number;
  let nats: EmbeddedNats | undefined;
  let logs: EventLog[];

  const url = () => `nats://usermesh:secret@127.0.0.1:${port}`;
  const startServer = async (): Promise<void> => {
    nats = await startNats({ dir, log, port, password: "secret" });
  };
  const stopServer = async (): Promise<void> => {
    await nats?.stop();
    nats = undefined;
  };
  const open = async (): Promise<EventLog> => {
    const opened = await openEventLog({ natsUrl: url(), clock: systemClock, timers: systemTimers, log });
    logs.push(opened);
    return opened;
  };
  const publish = (events: EventLog, one: MeshEvent) =>
    eventually("the event is acknowledged", () => events.publish(one).then(() => true));

  beforeAll(async () => {
    dir = await scratchDir();
    port = await freePort();
    await startServer();
  });

  afterAll(async () => {
    await stopServer();
    await removeDir(dir);
  });

  beforeEach(async () => {
    logs = [];
    if (!nats) await startServer();
  });

  afterEach(async () => {
    await Promise.all(logs.map((one) => one.close()));
  });

  const withClient = async <T>(work: (client: NatsConnection) => Promise<T>): Promise<T> => {
    const client = await connect(natsOptions(url()));
    return work(client).finally(() => client.close());
  };

  test("many nodes at once make the streams, with the age and the window for doubles they must have", async () => {
    const opened = await Promise.all([open(), open(), open(), open()]);
    await Promise.all(opened.map((one) => publish(one, event())));
    const configs = await withClient(async (client) => {
      const manager = await client.jetstreamManager();
      return Promise.all(["USERS", "SESSIONS"].map(async (name) => (await manager.streams.info(name)).config));
    });
    expect(configs).toMatchObject([
      {
        subjects: ["users.v1.>"],
        max_age: 0,
        duplicate_window: 3_600e9,
        storage: "file",
        retention: "limits",
        deny_purge: false,
      },
      { subjects: ["sessions.v1.>"], max_age: 30 * 86_400e9, duplicate_window: 3_600e9 },
    ]);
  });

  test("a stream with another window is put right, and keeps what an operator has set", async () => {
    await withClient(async (client) => {
      const manager = await client.jetstreamManager();
      const { config } = await manager.streams.info("USERS");
      await manager.streams.update("USERS", { ...config, duplicate_window: 60e9, max_bytes: 1_000_000_000 });
    });
    await publish(await open(), event());
    const config = await withClient(
      async (client) => (await (await client.jetstreamManager()).streams.info("USERS")).config,
    );
    expect(config).toMatchObject({ duplicate_window: 3_600e9, max_bytes: 1_000_000_000 });
  });

  test("an event published twice is one event", async () => {
    const events = await open();
    const received: string[] = [];
    const [one, last] = [event(), event()];
    await publish(events, one);
    await publish(events, one);
    await publish(events, last);
    await events.consume(consumer(async ({ event_id }) => void received.push(event_id)));
    await eventually("the last one came", () => received.includes(last.event_id));
    expect(received.filter((id) => id === one.event_id)).toHaveLength(1);
  });

  test("a consumer that starts later gets every event from the first on", async () => {
    const events = await open();
    const mine = eventsOf(randomUUID(), 5);
    for (const one of mine) await publish(events, one);
    const received = new Set<string>();
    await events.consume(consumer(async ({ event_id }) => void received.add(event_id)));
    await eventually("all came", () => mine.every(({ event_id }) => received.has(event_id)));
  });

  test("a user's events are handled in order and one at a time, those of others meanwhile", async () => {
    const events = await open();
    const [slow, quick] = [randomUUID(), randomUUID()];
    const handled: string[] = [];
    let atOnce = 0;
    const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
    await events.consume(
      consumer(async ({ user_id, version }) => {
        if (user_id === slow) {
          atOnce += 1;
          expect(atOnce).toBe(1);
          if (version === 1) await gate;
          atOnce -= 1;
        }
        if (user_id === slow || user_id === quick) handled.push(`${user_id === slow ? "slow" : "quick"} ${version}`);
      }),
    );
    for (const one of [...eventsOf(slow, 3), ...eventsOf(quick, 2)]) await publish(events, one);
    await eventually("the quick one is served", () => handled.includes("quick 2"));
    expect(handled).not.toContain("slow 1");
    openGate();
    await eventually("the slow one is served", () => handled.includes("slow 3"));
    expect(handled).toEqual(["quick 1", "quick 2", "slow 1", "slow 2", "slow 3"]);
  });

  test("an event whose handler fails comes again, and before the user's later ones", async () => {
    const events = await open();
    const userId = randomUUID();
    const tries: number[] = [];
    await events.consume(
      consumer(async ({ user_id, version }) => {
        if (user_id !== userId) return;
        tries.push(version);
        if (version === 1 && tries.length < 3) throw new Error("not yet");
      }),
    );
    for (const one of eventsOf(userId, 4)) await publish(events, one);
    await eventually("all are handled", () => tries.includes(4), { within: 20_000 });
    expect(tries).toEqual([1, 1, 1, 2, 3, 4]);
  });

  test("what nobody can read, or this consumer doesn't want, is passed over", async () => {
    const events = await open();
    const [unwanted, wanted] = [event({ event_type: "user.created" }), event()];
    await publish(events, event());
    await withClient((client) => client.jetstream().publish(subjectOf(event()), "not JSON"));
    await publish(events, unwanted);
    await publish(events, wanted);
    const received: string[] = [];
    const one = consumer(async ({ event_id }) => void received.push(event_id));
    await events.consume(one);
    await eventually("the wanted one came", () => received.includes(wanted.event_id));
    expect(received).not.toContain(unwanted.event_id);
    const pending = () =>
      withClient(
        async (client) => (await (await client.jetstreamManager()).consumers.info("USERS", one.name)).num_ack_pending,
      );
    await eventually("nothing is left over", async () => (await pending()) === 0);
  });

  test("two nodes of a consumer share the events, and each is handled once", async () => {
    const [here, there] = [await open(), await open()];
    const mine = Array.from({ length: 40 }, () => event());
    const ids = new Set(mine.map(({ event_id }) => event_id));
    const received: string[] = [];
    const handle = async ({ event_id }: MeshEvent) => void (ids.has(event_id) && received.push(event_id));
    const shared = consumer(handle);
    await here.consume(shared);
    await there.consume(shared);
    for (const one of mine) await publish(here, one);
    await eventually("all came", () => new Set(received).size === mine.length);
    expect(received).toHaveLength(mine.length);
  });

  test("while NATS is away publishing fails at once; then all goes on, and no acknowledged event is lost", async () => {
    const events = await open();
    const received = new Set<string>();
    await events.consume(consumer(async ({ event_id }) => void received.add(event_id)));
    const [before, after] = [event(), event()];
    await publish(events, before);
    await eventually("the first came", () => received.has(before.event_id));
    await stopServer();
    await eventually("it is noticed", () =>
      events.publish(event()).then(
        () => false,
        () => true,
      ),
    );
    const startedAt = performance.now();
    await expect(events.publish(event())).rejects.toThrow("NATS is away");
    expect(performance.now() - startedAt).toBeLessThan(100);
    await startServer();
    await publish(events, after);
    await eventually("the one after came", () => received.has(after.event_id), { within: 15_000 });
  });

  test("a log opened while NATS is away begins when it is there", async () => {
    await stopServer();
    const events = await open();
    const received: string[] = [];
    await events.consume(consumer(async ({ event_id }) => void received.push(event_id)));
    await expect(events.publish(event())).rejects.toThrow("NATS is away");
    await startServer();
    const one = event();
    await publish(events, one);
    await eventually("it came", () => received.includes(one.event_id));
  });

  test("closing does not hang while NATS is away", async () => {
    const events = await open();
    await events.consume(consumer(async () => undefined));
    await publish(events, event());
    await stopServer();
    const startedAt = performance.now();
    await events.close();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  test("a consumer that somebody deleted is made again", async () => {
    const events = await open();
    const received: string[] = [];
    const one = consumer(async ({ event_id }) => void received.push(event_id));
    await events.consume(one);
    const [before, after] = [event(), event()];
    await publish(events, before);
    await eventually("the first came", () => received.includes(before.event_id));
    await withClient(async (client) => (await client.jetstreamManager()).consumers.delete("USERS", one.name));
    await publish(events, after);
    await eventually("the second came", () => received.includes(after.event_id), { within: 15_000 });
  });
});

describe("events in one process", () => {
  const open = () => openEventLog({ natsUrl: undefined, clock: systemClock, timers: systemTimers, log });

  test("an event is published when every consumer that wants it has handled it", async () => {
    const events = await open();
    const handled: string[] = [];
    await events.consume(consumer(async () => void handled.push("first")));
    await events.consume(consumer(async () => void handled.push("second")));
    await events.consume(consumer(async () => void handled.push("unwanted"), { types: ["user.deleted"] }));
    await events.publish(event());
    expect(handled.sort()).toEqual(["first", "second"]);
  });

  test("publishing fails when one handler fails, and the others have had it", async () => {
    const events = await open();
    const handled: string[] = [];
    await events.consume(consumer(() => Promise.reject(new Error("not now"))));
    await events.consume(consumer(async () => void handled.push("other")));
    await expect(events.publish(event())).rejects.toThrow("not now");
    expect(handled).toEqual(["other"]);
  });

  test("two nodes of one consumer get an event once", async () => {
    const events = await open();
    let handled = 0;
    const handle = async () => {
      handled += 1;
    };
    const name = randomUUID();
    await events.consume(consumer(handle, { name }));
    await events.consume(consumer(handle, { name }));
    await events.publish(event());
    expect(handled).toBe(1);
  });

  test("a consumer that has stopped holds its events back until it is here again", async () => {
    const events = await open();
    const name = randomUUID();
    let handled = 0;
    const mine = consumer(
      async () => {
        handled += 1;
      },
      { name },
    );
    const stop = await events.consume(mine);
    await stop();
    await expect(events.publish(event())).rejects.toThrow("has stopped");
    await events.consume(mine);
    await events.publish(event());
    expect(handled).toBe(1);
  });
});
