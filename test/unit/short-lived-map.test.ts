import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { ShortLivedMap } from "../../lib/runtime/short-lived-map.ts";

const oldSpaceMegabytes = (): number =>
  (getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space")?.space_used_size ?? 0) / 2 ** 20;

function fullGarbageCollection(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** Adds 30,000 entries of some 4 kB each, and removes every one when 50 others have followed it. */
function growthOf(map: Pick<ShortLivedMap<number, object>, "set" | "delete">): number {
  const add = (n: number) => {
    map.set(n, { many: Array.from({ length: 100 }, (_, i) => ({ i, n })) });
    map.delete(n - 50);
  };
  for (let n = 0; n < 100; n += 1) add(n);
  // Moves what is in use to the memory that only full collections clean up.
  fullGarbageCollection();
  const before = oldSpaceMegabytes();
  let most = before;
  for (let n = 100; n < 30_000; n += 1) {
    add(n);
    if (n % 100 === 0) most = Math.max(most, oldSpaceMegabytes());
  }
  return most - before;
}

describe("a map of short-lived entries", () => {
  test("leaves removed entries to minor garbage collections", () => {
    expect(growthOf(new ShortLivedMap<number, object>())).toBeLessThan(5);
  });

  test("finds entries until they are removed, and lists them from the oldest to the newest", () => {
    const map = new ShortLivedMap<string, { readonly n: number }>();
    map.set("a", { n: 1 }).set("b", { n: 2 }).set("c", { n: 3 }).set("a", { n: 4 });
    expect(map.delete("b")).toBe(true);
    expect(map.delete("b")).toBe(false);
    expect([map.size, map.get("a"), map.get("b")]).toEqual([2, { n: 4 }, undefined]);
    expect([...map.values()]).toEqual([{ n: 3 }, { n: 4 }]);
  });

  test("can be listed while entries are removed", () => {
    const map = new ShortLivedMap<number, { readonly n: number }>();
    for (let n = 0; n < 4; n += 1) map.set(n, { n });
    const seen: number[] = [];
    map.forEach(({ n }, key) => {
      seen.push(n);
      map.delete(key);
      map.delete(key + 1);
    });
    expect([seen, map.size]).toEqual([[0, 2], 0]);
  });
});
