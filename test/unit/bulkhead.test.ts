import { describe, expect, test } from "@jest/globals";
import { createBulkhead, OverloadedError } from "../../lib/runtime/bulkhead.ts";

/** Work that runs until the test ends it. */
function createWork() {
  const begun: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<string>>();
  const gate = (name: string) => gates.get(name) ?? gates.set(name, Promise.withResolvers()).get(name);
  return {
    begun,
    named: (name: string) => () => {
      begun.push(name);
      return gate(name)?.promise ?? Promise.reject(new Error(name));
    },
    end: (name: string) => gate(name)?.resolve(name),
    fail: (name: string) => gate(name)?.reject(new Error(name)),
  };
}

/** Resolves when all promises that can settle have settled. */
function allSettledDown(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("a bulkhead", () => {
  test("resolves to the result of the work", async () => {
    const run = createBulkhead({ concurrency: 1, queue: 0 });
    await expect(run(async () => 42)).resolves.toBe(42);
  });

  test("runs at most its concurrency, the others in order of arrival", async () => {
    const run = createBulkhead({ concurrency: 2, queue: 3 });
    const work = createWork();
    const all = ["a", "b", "c", "d", "e"].map((name) => run(work.named(name)));
    await allSettledDown();
    expect(work.begun).toEqual(["a", "b"]);
    work.end("b");
    await allSettledDown();
    expect(work.begun).toEqual(["a", "b", "c"]);
    for (const name of ["a", "c", "d", "e"]) work.end(name);
    await expect(Promise.all(all)).resolves.toEqual(["a", "b", "c", "d", "e"]);
    expect(work.begun).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("rejects immediately when its queue is full, without starting the work", async () => {
    const run = createBulkhead({ concurrency: 1, queue: 1 });
    const work = createWork();
    const held = [run(work.named("a")), run(work.named("b"))];
    await expect(run(work.named("c"))).rejects.toThrow(OverloadedError);
    work.end("a");
    work.end("b");
    await Promise.all(held);
    expect(work.begun).toEqual(["a", "b"]);
  });

  test("frees the slot of failed work", async () => {
    const run = createBulkhead({ concurrency: 1, queue: 1 });
    const work = createWork();
    const failing = run(work.named("a"));
    work.fail("a");
    await expect(failing).rejects.toThrow("a");
    const throwing = () => {
      throw new Error("before its first await");
    };
    await expect(run(throwing)).rejects.toThrow("before its first await");
    await expect(run(async () => "free")).resolves.toBe("free");
  });

  test("lets no newcomer overtake work that has just received a slot", async () => {
    const run = createBulkhead({ concurrency: 1, queue: 100 });
    const begun: string[] = [];
    let running = 0;
    const work = (name: string) => async () => {
      begun.push(name);
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      running -= 1;
    };
    const all = [run(work("first")), run(work("second"))];
    for (let turn = 0; turn < 20; turn += 1) {
      all.push(run(work(`newcomer ${turn}`)));
      await Promise.resolve();
    }
    await Promise.all(all);
    expect(begun).toEqual(["first", "second", ...Array.from({ length: 20 }, (_, turn) => `newcomer ${turn}`)]);
  });

  test("requires a concurrency of at least 1", () => {
    expect(() => createBulkhead({ concurrency: 0, queue: 1 })).toThrow(RangeError);
  });
});
