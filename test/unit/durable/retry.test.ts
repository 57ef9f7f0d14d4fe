import { describe, expect, test } from "@jest/globals";
import { type RetryOptions, retry } from "../../../lib/runtime/retry.ts";

/** Fails with these messages, then succeeds. Sleeping takes no time. */
function setUp(messages: readonly string[], options: Partial<RetryOptions> = {}) {
  const delays: number[] = [];
  const failures = [...messages];
  const work = async () => {
    const message = failures.shift();
    if (message !== undefined) throw new Error(message);
    return "done";
  };
  const sleep = async (ms: number) => void delays.push(ms);
  return { delays, run: () => retry(work, { timers: { sleep }, delayMs: 100, ...options }) };
}

describe("retry", () => {
  test("repeats until success, with a constant delay by default", async () => {
    const { delays, run } = setUp(["a", "b", "c"]);
    expect(await run()).toBe("done");
    expect(delays).toEqual([100, 100, 100]);
  });

  test("doubles the delay up to its maximum", async () => {
    const { delays, run } = setUp(["a", "b", "c", "d"], { maxDelayMs: 300 });
    await run();
    expect(delays).toEqual([100, 200, 300, 300]);
  });

  test("rejects with the last error when the attempts are used up", async () => {
    const { delays, run } = setUp(["a", "b", "c"], { maxAttempts: 2 });
    await expect(run()).rejects.toThrow("b");
    expect(delays).toEqual([100]);
  });

  test("rejects with the last error after the timeout", async () => {
    await expect(setUp(["a", "b"], { timeoutMs: -1 }).run()).rejects.toThrow("a");
  });

  test("rejects immediately with an error that is not transient", async () => {
    const { run } = setUp(["a", "b"], { isTransient: (error) => (error as Error).message !== "b" });
    await expect(run()).rejects.toThrow("b");
  });

  test("makes no further attempt once aborted, and rejects with the signal's reason", async () => {
    const stopping = new AbortController();
    const timers = { sleep: async () => stopping.abort() };
    await expect(setUp(["a", "b"], { timers, signal: stopping.signal }).run()).rejects.toThrow("aborted");
  });

  test("reports each distinct failure once", async () => {
    const reported: string[] = [];
    await setUp(["a", "a", "b", "b", "a"], { onFailure: (message) => reported.push(message) }).run();
    expect(reported).toEqual(["a", "b", "a"]);
  });
});
