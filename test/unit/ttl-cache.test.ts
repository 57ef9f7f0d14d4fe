import { setImmediate as settled } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { createTtlCache } from "../../lib/runtime/ttl-cache.ts";

function setUp(options: { ttlMs: number; staleWhileRevalidateMs?: number }) {
  const time = { now: 1_000 };
  const cache = createTtlCache<number>({ monotonic: () => time.now }, options);
  const loads: Array<PromiseWithResolvers<number>> = [];
  const read = (key = "") =>
    cache.read(key, () => {
      const load = Promise.withResolvers<number>();
      loads.push(load);
      return load.promise;
    });
  return { time, loads, read };
}

describe("the TTL cache", () => {
  test("loads once for concurrent readers, and not again within the TTL", async () => {
    const { time, loads, read } = setUp({ ttlMs: 10 });
    const values = Promise.all([read(), read(), read()]);
    loads[0]?.resolve(7);
    expect(await values).toEqual([7, 7, 7]);
    time.now += 10;
    expect(await read()).toBe(7);
    expect(loads).toHaveLength(1);
  });

  test("waits for a new value after the TTL", async () => {
    const { time, loads, read } = setUp({ ttlMs: 10 });
    const first = read();
    loads[0]?.resolve(1);
    await first;
    time.now += 11;
    const second = read();
    loads[1]?.resolve(2);
    expect(await second).toBe(2);
  });

  test("returns a stale value while it loads a new one, up to the configured age", async () => {
    const { time, loads, read } = setUp({ ttlMs: 10, staleWhileRevalidateMs: 90 });
    const first = read();
    loads[0]?.resolve(1);
    await first;
    time.now += 11;
    expect([await read(), await read(), loads.length]).toEqual([1, 1, 2]);
    loads[1]?.resolve(2);
    await settled();
    expect(await read()).toBe(2);
    time.now += 200;
    const late = read();
    loads[2]?.resolve(3);
    expect(await late).toBe(3);
  });

  test("keeps the stale value after a failed load, and loads again at the next read", async () => {
    const { time, loads, read } = setUp({ ttlMs: 10, staleWhileRevalidateMs: 90 });
    const first = read();
    loads[0]?.resolve(1);
    await first;
    time.now += 11;
    await read();
    loads[1]?.reject(new Error("unavailable"));
    await settled();
    expect([await read(), loads.length]).toEqual([1, 3]);
  });

  test("does not cache a failure", async () => {
    const { loads, read } = setUp({ ttlMs: 10 });
    const first = read();
    loads[0]?.reject(new Error("unavailable"));
    await expect(first).rejects.toThrow("unavailable");
    const second = read();
    loads[1]?.resolve(2);
    expect(await second).toBe(2);
  });

  test("caches each key separately", async () => {
    const { loads, read } = setUp({ ttlMs: 10 });
    const both = Promise.all([read("a"), read("b")]);
    loads[0]?.resolve(1);
    loads[1]?.resolve(2);
    expect(await both).toEqual([1, 2]);
  });
});
