import { describe, expect, test } from "@jest/globals";
import { OverloadedError } from "../../lib/runtime/bulkhead.ts";
import { createWorkQueue } from "../../lib/runtime/work-queue.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** A queue for work of 100 ms that the test ends, over a clock that the test moves. */
function createQueue({ concurrency = 1, maxWaitMs = 1_000 } = {}) {
  let now = 0;
  const begun: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const queue = createWorkQueue({ concurrency, maxWaitMs, initialMs: 100, clock: { monotonic: () => now } });
  const run = (kind: string, name: string, deadline = NEVER) => {
    gates.set(name, Promise.withResolvers());
    const result = queue.run({ kind, deadline }, () => {
      begun.push(name);
      return gates.get(name)?.promise ?? Promise.reject(new Error(name));
    });
    // Each test looks at the outcomes that it is about.
    result.catch(() => undefined);
    return result;
  };
  const end = async (name: string) => {
    now += 100;
    gates.get(name)?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return { queue, begun, run, end, pass };
}

describe("a work queue", () => {
  test("is bounded by the expected wait: 10 of 100 ms may wait for a second, 20 with two at once", async () => {
    for (const concurrency of [1, 2]) {
      const { run } = createQueue({ concurrency });
      const outcomes = Array.from({ length: 40 }, (_, n) => run("sign_up", `${n}`).then(String, (error) => error.name));
      const rejected = await Promise.race([Promise.all(outcomes.slice(11 * concurrency)), outcomes[0]]);
      expect(rejected).toEqual(Array.from({ length: 40 - 11 * concurrency }, () => "OverloadedError"));
    }
  });

  test("measures how long the work takes", async () => {
    const { queue, run, end, pass } = createQueue();
    for (let n = 0; n < 50; n += 1) {
      const done = run("sign_up", `slow ${n}`);
      pass(900);
      await end(`slow ${n}`);
      await done;
    }
    run("sign_up", "running");
    expect(() => queue.reserve("sign_up").release()).not.toThrow();
    run("sign_up", "waiting");
    expect(() => queue.reserve("sign_up")).toThrow(OverloadedError);
  });

  test("a flood of one kind neither keeps another one out nor makes it wait for its turn", async () => {
    const { begun, run, end } = createQueue();
    for (let n = 0; n < 50; n += 1) run("sign_up", `up ${n}`);
    run("sign_in", "in 0");
    run("sign_in", "in 1");
    for (const name of ["up 0", "up 1", "in 0", "up 2"]) await end(name);
    expect(begun).toEqual(["up 0", "up 1", "in 0", "up 2", "in 1"]);
  });

  test("work that could not end before its deadline is not started", async () => {
    const { begun, run, end } = createQueue();
    run("sign_in", "first");
    const late = run("sign_in", "late", 199);
    const punctual = run("sign_in", "punctual", 200);
    await end("first");
    await expect(late).rejects.toThrow(OverloadedError);
    await end("punctual");
    await punctual;
    expect(begun).toEqual(["first", "punctual"]);
    await expect(run("sign_in", "past", 200)).rejects.toThrow(OverloadedError);
    const next = run("sign_in", "next", 1_000);
    await end("next");
    await next;
  });

  test("reserved places count until they are released, and are not lost to those who came later", async () => {
    const { queue, run } = createQueue();
    const reservations = Array.from({ length: 11 }, () => queue.reserve("sign_in"));
    await expect(run("sign_in", "rejected")).rejects.toThrow(OverloadedError);
    const [released, kept] = reservations;
    released?.release();
    released?.release();
    queue.reserve("sign_in");
    expect(() => queue.reserve("sign_in")).toThrow(OverloadedError);
    // Full, but the reservation still holds its place.
    const reserved = queue.run({ kind: "sign_in", deadline: NEVER, reservation: kept }, async () => "done");
    await expect(reserved).resolves.toBe("done");
  });

  test("frees the slot of failed work, and requires one", async () => {
    const { queue } = createQueue();
    const failing = queue.run({ kind: "sign_in", deadline: NEVER }, () => Promise.reject(new Error("failed")));
    await expect(failing).rejects.toThrow("failed");
    await expect(queue.run({ kind: "sign_in", deadline: NEVER }, async () => "free")).resolves.toBe("free");
    expect(() => createQueue({ concurrency: 0 })).toThrow(RangeError);
  });
});
