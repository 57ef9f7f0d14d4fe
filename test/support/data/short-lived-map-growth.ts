import { getHeapSpaceStatistics } from "node:v8";
import { ShortLivedMap } from "../../../lib/runtime/short-lived-map.ts";

// A process of its own, run with --expose-gc: in one that has run other tests, V8 may allocate the entries as old objects.

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error("Run it with --expose-gc");
  globalThis.gc();
}

const oldSpaceMegabytes = (): number =>
  (getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space")?.space_used_size ?? 0) / 2 ** 20;

/** Adds 30,000 entries of some 4 kB each, and removes every one when 50 others have followed it. */
function growthOf(map: Pick<ShortLivedMap<number, object>, "set" | "delete">): number {
  const add = (n: number) => {
    map.set(n, { many: Array.from({ length: 100 }, (_, i) => ({ i, n })) });
    map.delete(n - 50);
  };
  for (let n = 0; n < 100; n += 1) add(n);
  // Moves what is in use to the memory that only full collections clean up.
  collectGarbage();
  const before = oldSpaceMegabytes();
  let most = before;
  for (let n = 100; n < 30_000; n += 1) {
    add(n);
    if (n % 100 === 0) most = Math.max(most, oldSpaceMegabytes());
  }
  return most - before;
}

process.stdout.write(String(growthOf(new ShortLivedMap<number, object>())));
