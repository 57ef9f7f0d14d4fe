import { expect, test } from "@jest/globals";
import type { Clock } from "../../lib/runtime/clock.ts";
import { createCount } from "../../lib/runtime/count.ts";

const SECOND = 1_000;

function setUp(size: number) {
  const rows = { size };
  const time = { now: 1_000 };
  const limits: Array<number | null> = [];
  const clock = { monotonic: () => time.now, now: () => new Date(time.now) } as Clock;
  const read = createCount(clock, async (max) => {
    limits.push(max);
    return { size: Math.min(rows.size, max ?? Number.POSITIVE_INFINITY) };
  });
  return { rows, time, limits, read };
}

test("counts exactly at each read while there are few", async () => {
  const { rows, time, read } = setUp(1);
  expect(await read()).toEqual({ size: 1, countedAt: new Date(1_000) });
  rows.size = 4;
  time.now += 5;
  expect(await read()).toEqual({ size: 4, countedAt: new Date(1_005) });
});

test("concurrent reads share one count", async () => {
  const { limits, read } = setUp(1);
  await Promise.all([read(), read(), read()]);
  expect(limits).toEqual([100_000]);
});

test("many are counted every ten seconds, and the count tells its age", async () => {
  const { rows, time, limits, read } = setUp(2_000_000);
  expect((await read()).size).toBe(2_000_000);
  rows.size += 5;
  time.now += 9 * SECOND;
  expect(await read()).toEqual({ size: 2_000_000, countedAt: new Date(1_000) });
  expect(limits).toEqual([100_000, null]);
  time.now += 400 * SECOND;
  expect(await read()).toEqual({ size: 2_000_005, countedAt: new Date(410 * SECOND) });
});

test("counts exactly again once there are few", async () => {
  const { rows, time, read } = setUp(150_000);
  await read();
  rows.size = 10;
  time.now += 400 * SECOND;
  await read();
  rows.size = 11;
  time.now += 5;
  expect((await read()).size).toBe(11);
});
