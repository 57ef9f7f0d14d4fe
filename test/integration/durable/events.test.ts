import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type MeshEvent, subjectOf } from "../../../lib/events/events.ts";
import { eventually } from "../../support/eventually.ts";
import { consumer, createEventBus, type EventBus, event, eventsOf, publish } from "./support/event-bus.ts";

describe("events over JetStream", () => {
  let bus: EventBus;
  beforeAll(async () => {
    bus = await createEventBus();
  });
  afterEach(() => bus.close());
  afterAll(() => bus?.nats.stop());

  test("many nodes can create the streams concurrently, with the right maximum age and duplicate window", async () => {
    const opened = await Promise.all([bus.open(), bus.open(), bus.open(), bus.open()]);
    await Promise.all(opened.map((one) => publish(one, event())));
    const configs = await bus.withClient(async (client) => {
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

  test("a stream with a wrong duplicate window is corrected, and keeps an operator's settings", async () => {
    await bus.withClient(async (client) => {
      const manager = await client.jetstreamManager();
      const { config } = await manager.streams.info("USERS");
      await manager.streams.update("USERS", { ...config, duplicate_window: 60e9, max_bytes: 1_000_000_000 });
    });
    await publish(await bus.open(), event());
    const config = await bus.withClient(
      async (client) => (await (await client.jetstreamManager()).streams.info("USERS")).config,
    );
    expect(config).toMatchObject({ duplicate_window: 3_600e9, max_bytes: 1_000_000_000 });
  });

  test("an event published twice is stored once", async () => {
    const events = await bus.open();
    const received: string[] = [];
    const [one, last] = [event(), event()];
    await publish(events, one);
    await publish(events, one);
    await publish(events, last);
    await events.consume(consumer(async ({ event_id }) => void received.push(event_id)));
    await eventually("the last one came", () => received.includes(last.event_id));
    expect(received.filter((id) => id === one.event_id)).toHaveLength(1);
  });

  test("a consumer that starts later receives all events from the first one on", async () => {
    const events = await bus.open();
    const mine = eventsOf(randomUUID(), 5);
    for (const one of mine) await publish(events, one);
    const received = new Set<string>();
    await events.consume(consumer(async ({ event_id }) => void received.add(event_id)));
    await eventually("all came", () => mine.every(({ event_id }) => received.has(event_id)));
  });

  test("a user's events are handled one at a time in order, those of different users concurrently", async () => {
    const events = await bus.open();
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

  test("an event whose handler fails is redelivered before the user's later events", async () => {
    const events = await bus.open();
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
    await eventually("all are handled", () => tries.includes(4));
    expect(tries).toEqual([1, 1, 1, 2, 3, 4]);
  });

  test("unreadable events and other types are skipped", async () => {
    const events = await bus.open();
    const [unwanted, wanted] = [event({ event_type: "user.created" }), event()];
    await publish(events, event());
    await bus.withClient((client) => client.jetstream().publish(subjectOf(event()), "not JSON"));
    await publish(events, unwanted);
    await publish(events, wanted);
    const received: string[] = [];
    const one = consumer(async ({ event_id }) => void received.push(event_id));
    await events.consume(one);
    await eventually("the wanted one came", () => received.includes(wanted.event_id));
    expect(received).not.toContain(unwanted.event_id);
    const pending = () =>
      bus.withClient(
        async (client) => (await (await client.jetstreamManager()).consumers.info("USERS", one.name)).num_ack_pending,
      );
    await eventually("nothing is left over", async () => (await pending()) === 0);
  });

  test("two nodes share a consumer's events, and each event is handled once", async () => {
    const [here, there] = [await bus.open(), await bus.open()];
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
});
