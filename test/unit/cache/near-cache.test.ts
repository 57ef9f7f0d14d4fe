import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  type CacheCounts,
  groupKey,
  INVALIDATION_WINDOW_MS,
  type NearCache,
  NearCaches,
} from "../../../lib/revocation/near-cache.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";

interface Value {
  readonly text: string;
}

let ms: number;
let usable: boolean;
let counts: CacheCounts;
let caches: NearCaches;
let cache: NearCache<Value>;
/** What the database says now. */
let stored: string;

const clock: Clock = { now: () => new Date(ms), monotonic: () => ms };
const read = async (): Promise<Value | null> => cache.read("ada", async () => ({ text: stored }));

beforeEach(() => {
  ms = 1_000;
  usable = true;
  stored = "old";
  counts = new Map();
  caches = new NearCaches(clock, counts, () => usable);
  cache = caches.open<Value>("users", 3_600_000);
});

/** A read whose answer from the database is on its way. */
function slowRead(): { arrive(): Promise<Value | null> } {
  const seen = { text: stored };
  const gate = Promise.withResolvers<void>();
  const answer = cache.read("ada", async () => {
    await gate.promise;
    return seen;
  });
  ms++;
  return {
    arrive: async () => {
      gate.resolve();
      return answer;
    },
  };
}

describe("a near-cache", () => {
  test("reads the database once, and counts", async () => {
    await read();
    stored = "changed behind our back";
    expect(await read()).toEqual({ text: "old" });
    expect(counts.get("users")).toEqual({ hits: 1, misses: 1 });
  });

  test("caches nothing from a read that began before an invalidation", async () => {
    const slow = slowRead();
    caches.beginInvalidation("ada", "w1");
    stored = "new";
    ms++;
    caches.endInvalidation("ada", "w1");
    ms++;
    expect(await slow.arrive()).toEqual({ text: "old" });
    expect(await read()).toEqual({ text: "new" });
  });

  test("caches nothing from a read between invalidation and commit", async () => {
    caches.beginInvalidation("ada", "w1");
    ms++;
    expect(await read()).toEqual({ text: "old" });
    stored = "new";
    expect(await read()).toEqual({ text: "new" });
  });

  test("caches nothing from a read that began before the commit and finished after it", async () => {
    caches.beginInvalidation("ada", "w1");
    ms++;
    const slow = slowRead();
    stored = "new";
    caches.endInvalidation("ada", "w1");
    ms++;
    await slow.arrive();
    expect(await read()).toEqual({ text: "new" });
  });

  test("ignores an invalidation that the revocation log repeats after its write has ended", async () => {
    caches.beginInvalidation("ada", "w1");
    caches.endInvalidation("ada", "w1");
    ms++;
    await read();
    caches.beginInvalidation("ada", "w1");
    await read();
    expect(counts.get("users")).toEqual({ hits: 1, misses: 1 });
  });

  test("caches nothing while one of two concurrent writes is pending", async () => {
    caches.beginInvalidation("ada", "w1");
    caches.beginInvalidation("ada", "w2");
    ms++;
    caches.endInvalidation("ada", "w1");
    ms++;
    await read();
    stored = "new";
    expect(await read()).toEqual({ text: "new" });
  });

  test("drops the cached value at the invalidation", async () => {
    await read();
    caches.beginInvalidation("ada", "w1");
    stored = "new";
    expect(await read()).toEqual({ text: "new" });
  });

  describe("of values in groups", () => {
    beforeEach(() => {
      cache = caches.open<Value>("members", 3_600_000, { groupOf: () => groupKey("engine") });
    });

    test("drops a value when its group is invalidated, and not with another group", async () => {
      await read();
      caches.beginInvalidation(groupKey("loom"), "w1");
      stored = "new";
      expect(await read()).toEqual({ text: "old" });
      caches.beginInvalidation(groupKey("engine"), "w2");
      expect(await read()).toEqual({ text: "new" });
    });

    test("caches nothing from a read that began before its group was invalidated", async () => {
      const slow = slowRead();
      caches.beginInvalidation(groupKey("engine"), "w1");
      stored = "new";
      caches.endInvalidation(groupKey("engine"), "w1");
      ms++;
      await slow.arrive();
      expect(await read()).toEqual({ text: "new" });
    });
  });

  test("is blocked by a write that never ends for the invalidation window only", async () => {
    caches.beginInvalidation("ada", "w1");
    ms += INVALIDATION_WINDOW_MS + 1;
    await read();
    await read();
    expect(counts.get("users")).toEqual({ hits: 1, misses: 1 });
  });

  test("answers from the database while an invalidation may have been missed", async () => {
    await read();
    usable = false;
    stored = "new";
    expect(await read()).toEqual({ text: "new" });
    usable = true;
    expect(await read()).toEqual({ text: "new" });
  });

  test("caches nothing from a read during which everything was cleared", async () => {
    const slow = slowRead();
    stored = "new";
    caches.clear();
    ms++;
    await slow.arrive();
    expect(await read()).toEqual({ text: "new" });
  });

  test("reloads a value when it ends without a write", async () => {
    const ending = caches.open<Value>("ending", 3_600_000, { endOf: () => ms + 100 });
    const answer = () => ending.read("ada", async () => ({ text: stored }));
    await answer();
    stored = "new";
    expect(await answer()).toEqual({ text: "old" });
    ms += 200;
    expect(await answer()).toEqual({ text: "new" });
  });

  test("freezes what it caches", async () => {
    await read();
    expect(Object.isFrozen(await read())).toBe(true);
  });
});
