import { describe, expect, test } from "@jest/globals";
import { createTtlCache } from "../../lib/runtime/ttl-cache.ts";

function setUp(options: { freshMs: number; usableMs?: number }) {
  const time = { now: 0 };
  const clock = { now: () => new Date(time.now), monotonic: () => time.now };
  const kept = createTtlCache<number>(clock, options);
  const loads: Array<PromiseWithResolvers<number>> = [];
  const read = (key = "") =>
    kept.read(key, () => {
      const load = Promise.withResolvers<number>();
      loads.push(load);
      return load.promise;
    });
  return { time, loads, read };
}

describe("a figure that is kept", () => {
  test("is loaded once for all who ask at once, and for all until it is too old", async () => {
    const { time, loads, read } = setUp({ freshMs: 10 });
    const asked = Promise.all([read(), read(), read()]);
    loads[0]?.resolve(7);
    expect(await asked).toEqual([7, 7, 7]);
    time.now = 10;
    expect(await read()).toBe(7);
    expect(loads).toHaveLength(1);
  });

  test("is loaded anew when it is too old, and they wait for it", async () => {
    const { time, loads, read } = setUp({ freshMs: 10 });
    const first = read();
    loads[0]?.resolve(1);
    await first;
    time.now = 11;
    const second = read();
    loads[1]?.resolve(2);
    expect(await second).toBe(2);
  });

  test("is told at once while it is loaded anew, where an older one will do", async () => {
    const { time, loads, read } = setUp({ freshMs: 10, usableMs: 100 });
    const first = read();
    loads[0]?.resolve(1);
    await first;
    time.now = 11;
    expect([await read(), await read(), loads.length]).toEqual([1, 1, 2]);
    loads[1]?.resolve(2);
    await loads[1]?.promise;
    expect(await read()).toBe(2);
    time.now = 200;
    const late = read();
    loads[2]?.resolve(3);
    expect(await late).toBe(3);
  });

  test("that could not be loaded is asked for again", async () => {
    const { loads, read } = setUp({ freshMs: 10 });
    const first = read();
    loads[0]?.reject(new Error("away"));
    await expect(first).rejects.toThrow("away");
    const second = read();
    loads[1]?.resolve(2);
    expect(await second).toBe(2);
  });

  test("is another one under another key", async () => {
    const { loads, read } = setUp({ freshMs: 10 });
    const both = Promise.all([read("a"), read("b")]);
    loads[0]?.resolve(1);
    loads[1]?.resolve(2);
    expect(await both).toEqual([1, 2]);
  });
});
