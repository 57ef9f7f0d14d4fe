import { describe, expect, test } from "@jest/globals";
import { createBulkhead, OverloadedError } from "../../lib/runtime/bulkhead.ts";

/** Pieces of work that run until they are told to end. */
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

/** Everything that can go on without us has gone on. */
function allSettledDown(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("a bulkhead", () => {
  test("answers with what the work answers", async () => {
    const run = createBulkhead({ concurrency: 1, queue: 0 });
    await expect(run(async () => 42)).resolves.toBe(42);
  });

  test("runs no more at once than it may, the others in the order of their coming", async () => {
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

  test("refuses at once what its queue can't hold, and begins none of it", async () => {
    const run = createBulkhead({ concurrency: 1, queue: 1 });
    const work = createWork();
    const held = [run(work.named("a")), run(work.named("b"))];
    await expect(run(work.named("c"))).rejects.toThrow(OverloadedError);
    work.end("a");
    work.end("b");
    await Promise.all(held);
    expect(work.begun).toEqual(["a", "b"]);
  });

  test("loses no slot to work that fails, at once or later", async () => {
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

  test("lets no newcomer overtake one that was just given a slot, whenever it comes", async () => {
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

  test("has a slot at least", () => {
    expect(() => createBulkhead({ concurrency: 0, queue: 1 })).toThrow(RangeError);
  });
});
