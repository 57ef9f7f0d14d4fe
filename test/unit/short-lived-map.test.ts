import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { ShortLivedMap } from "../../lib/runtime/short-lived-map.ts";

describe("a map of short-lived entries", () => {
  test("leaves removed entries to minor garbage collections", async () => {
    const program = "test/support/data/short-lived-map-growth.ts";
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", program]);
    expect(Number.parseFloat(stdout)).toBeLessThan(5);
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
