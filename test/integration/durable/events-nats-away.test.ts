import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { consumer, createEventBus, type EventBus, event, publish } from "./support/event-bus.ts";

describe("events while NATS or a consumer is unavailable", () => {
  let bus: EventBus;
  beforeAll(async () => {
    bus = await createEventBus();
  });
  afterEach(async () => {
    await bus.close();
    await bus.nats.stop();
    await bus.nats.start();
  });
  afterAll(() => bus?.nats.stop());

  test("publishing fails immediately while NATS is down; afterwards everything resumes and no acknowledged event is lost", async () => {
    const events = await bus.open();
    const received = new Set<string>();
    await events.consume(consumer(async ({ event_id }) => void received.add(event_id)));
    const [before, after] = [event(), event()];
    await publish(events, before);
    await eventually("the first came", () => received.has(before.event_id));
    await bus.nats.stop();
    await eventually("it is noticed", () =>
      events.publish(event()).then(
        () => false,
        () => true,
      ),
    );
    const startedAt = performance.now();
    await expect(events.publish(event())).rejects.toThrow("NATS is unavailable");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await bus.nats.start();
    await publish(events, after);
    await eventually("the one after came", () => received.has(after.event_id));
  });

  test("a log opened while NATS is down starts when NATS does", async () => {
    await bus.nats.stop();
    const events = await bus.open();
    const received: string[] = [];
    await events.consume(consumer(async ({ event_id }) => void received.push(event_id)));
    await expect(events.publish(event())).rejects.toThrow("NATS is unavailable");
    await bus.nats.start();
    const one = event();
    await publish(events, one);
    await eventually("it came", () => received.includes(one.event_id));
  });

  test("closing does not hang while NATS is down", async () => {
    const events = await bus.open();
    await events.consume(consumer(async () => undefined));
    await publish(events, event());
    await bus.nats.stop();
    const startedAt = performance.now();
    await events.close();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test("a deleted consumer is recreated", async () => {
    const events = await bus.open();
    const received: string[] = [];
    const one = consumer(async ({ event_id }) => void received.push(event_id));
    await events.consume(one);
    const [before, after] = [event(), event()];
    await publish(events, before);
    await eventually("the first came", () => received.includes(before.event_id));
    await bus.withClient(async (client) => (await client.jetstreamManager()).consumers.delete("USERS", one.name));
    await publish(events, after);
    await eventually("the second came", () => received.includes(after.event_id));
  });
});
