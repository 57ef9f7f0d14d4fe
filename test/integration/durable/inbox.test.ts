import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { createDatabase, type Database, type Transaction } from "../../../mixins/database/database.mixin.ts";
import { handleOnce } from "../../../mixins/event-consumer.mixin.ts";
import { startUsermesh, type Usermesh } from "../../support/start/usermesh.ts";

const DAY_MS = 86_400_000;
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

describe("the effect of an event", () => {
  let usermesh: Usermesh;
  let db: Database;
  beforeAll(async () => {
    usermesh = await startUsermesh();
    db = createDatabase(usermesh.platform, { schema: "mail" });
    await db.connect();
  });
  afterAll(async () => {
    await db?.close();
    await usermesh?.stop();
  });

  const event = (timestamp = daysAgo(0)) => ({ event_id: randomUUID(), timestamp });
  const deliver = (one: ReturnType<typeof event>, effect: (tx: Transaction) => Promise<void>) =>
    handleOnce({ db, clock: systemClock }, one, "test", effect);
  /** An effect that is not idempotent by itself: it increments a counter. */
  const count = (userId: string) => async (tx: Transaction) =>
    void (await tx.query("SELECT mail.append_event(gen_random_uuid(), $1, '{}')", [userId]));
  const counted = async (userId: string) => {
    const sql = "SELECT version FROM mail.event_counters WHERE user_id = $1";
    return (await db.query<{ version: number }>(sql, [userId]))[0]?.version ?? 0;
  };

  test("delivered 20 times concurrently is applied once", async () => {
    const [one, userId] = [event(), randomUUID()];
    await Promise.all(Array.from({ length: 20 }, () => deliver(one, count(userId))));
    expect(await counted(userId)).toBe(1);
  });

  test("that fails is rolled back, and applied when the event is redelivered", async () => {
    const [one, userId] = [event(), randomUUID()];
    const failing = deliver(one, async (tx) => {
      await count(userId)(tx);
      throw new Error("not now");
    });
    await expect(failing).rejects.toThrow("not now");
    expect(await counted(userId)).toBe(0);
    await deliver(one, count(userId));
    expect(await counted(userId)).toBe(1);
  });

  test("older than the inbox is not applied, because it may have been already", async () => {
    const userId = randomUUID();
    await deliver(event(daysAgo(29)), count(userId));
    await deliver(event(daysAgo(31)), count(userId));
    expect(await counted(userId)).toBe(1);
  });
});
