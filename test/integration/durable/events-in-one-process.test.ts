import { randomUUID } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { consumer, event, openLog } from "./support/event-bus.ts";

describe("events in one process", () => {
  const open = () => openLog(undefined);

  test("an event is published once every consumer of its type has handled it", async () => {
    const events = await open();
    const handled: string[] = [];
    await events.consume(consumer(async () => void handled.push("first")));
    await events.consume(consumer(async () => void handled.push("second")));
    await events.consume(consumer(async () => void handled.push("unwanted"), { types: ["user.deleted"] }));
    await events.publish(event());
    expect(handled.sort()).toEqual(["first", "second"]);
  });

  test("publishing fails if one handler fails, after the others have handled the event", async () => {
    const events = await open();
    const handled: string[] = [];
    await events.consume(consumer(() => Promise.reject(new Error("not now"))));
    await events.consume(consumer(async () => void handled.push("other")));
    await expect(events.publish(event())).rejects.toThrow("not now");
    expect(handled).toEqual(["other"]);
  });

  test("two registrations of one consumer receive an event once", async () => {
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

  test("a stopped consumer blocks its events until it is registered again", async () => {
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
