import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  type CacheCounts,
  createNearCaches,
  groupKey,
  INVALIDATION_WINDOW_MS,
  type NearCache,
  type NearCaches,
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
  caches = createNearCaches(clock, counts, () => usable);
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

describe("what a node keeps of its tables", () => {
  test("is read from the database once, and counted", async () => {
    await read();
    stored = "changed behind our back";
    expect(await read()).toEqual({ text: "old" });
    expect(counts.get("users")).toEqual({ hits: 1, misses: 1 });
  });

  test("a read that began before a write was announced leaves nothing behind", async () => {
    const slow = slowRead();
    caches.beginInvalidation("ada", "w1");
    stored = "new";
    ms++;
    caches.endInvalidation("ada", "w1");
    ms++;
    expect(await slow.arrive()).toEqual({ text: "old" });
    expect(await read()).toEqual({ text: "new" });
  });

  test("a read between announcement and commit leaves nothing behind", async () => {
    caches.beginInvalidation("ada", "w1");
    ms++;
    expect(await read()).toEqual({ text: "old" });
    stored = "new";
    expect(await read()).toEqual({ text: "new" });
  });

  test("a read that began before the commit and ends after it was settled leaves nothing behind", async () => {
    caches.beginInvalidation("ada", "w1");
    ms++;
    const slow = slowRead();
    stored = "new";
    caches.endInvalidation("ada", "w1");
    ms++;
    await slow.arrive();
    expect(await read()).toEqual({ text: "new" });
  });

  test("an announcement that comes again, by the feed, after its write was settled holds up nothing", async () => {
    caches.beginInvalidation("ada", "w1");
    caches.endInvalidation("ada", "w1");
    ms++;
    await read();
    caches.beginInvalidation("ada", "w1");
    await read();
    expect(counts.get("users")).toEqual({ hits: 1, misses: 1 });
  });

  test("of two writes at once the end of one does not settle the other", async () => {
    caches.beginInvalidation("ada", "w1");
    caches.beginInvalidation("ada", "w2");
    ms++;
    caches.endInvalidation("ada", "w1");
    ms++;
    await read();
    stored = "new";
    expect(await read()).toEqual({ text: "new" });
  });

  test("what was kept is forgotten with the announcement", async () => {
    await read();
    caches.beginInvalidation("ada", "w1");
    stored = "new";
    expect(await read()).toEqual({ text: "new" });
  });

  describe("and is one of a group", () => {
    beforeEach(() => {
      cache = caches.open<Value>("members", 3_600_000, { groupOf: () => groupKey("engine") });
    });

    test("is forgotten with the group's announcement, and not with another group's", async () => {
      await read();
      caches.beginInvalidation(groupKey("loom"), "w1");
      stored = "new";
      expect(await read()).toEqual({ text: "old" });
      caches.beginInvalidation(groupKey("engine"), "w2");
      expect(await read()).toEqual({ text: "new" });
    });

    test("a read that began before the group was announced leaves nothing behind", async () => {
      const slow = slowRead();
      caches.beginInvalidation(groupKey("engine"), "w1");
      stored = "new";
      caches.endInvalidation(groupKey("engine"), "w1");
      ms++;
      await slow.arrive();
      expect(await read()).toEqual({ text: "new" });
    });
  });

  test("a write that is never settled holds it up for a while only", async () => {
    caches.beginInvalidation("ada", "w1");
    ms += INVALIDATION_WINDOW_MS + 1;
    await read();
    await read();
    expect(counts.get("users")).toEqual({ hits: 1, misses: 1 });
  });

  test("a node that may have missed an announcement answers from the database", async () => {
    await read();
    usable = false;
    stored = "new";
    expect(await read()).toEqual({ text: "new" });
    usable = true;
    expect(await read()).toEqual({ text: "new" });
  });

  test("a read that was under way while all was cleared leaves nothing behind", async () => {
    const slow = slowRead();
    stored = "new";
    caches.clear();
    ms++;
    await slow.arrive();
    expect(await read()).toEqual({ text: "new" });
  });

  test("what ends by itself is read anew then", async () => {
    const ending = caches.open<Value>("ending", 3_600_000, { endOf: () => ms + 100 });
    const answer = () => ending.read("ada", async () => ({ text: stored }));
    await answer();
    stored = "new";
    expect(await answer()).toEqual({ text: "old" });
    ms += 200;
    expect(await answer()).toEqual({ text: "new" });
  });

  test("nobody can change what is kept", async () => {
    await read();
    expect(Object.isFrozen(await read())).toBe(true);
  });
});
