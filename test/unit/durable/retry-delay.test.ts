import { expect, test } from "@jest/globals";
import { retryDelay } from "../../../lib/queues/queues-worker.ts";
import { systemRandom } from "../../../lib/runtime/clock.ts";

const at = (fraction: number) => ({ ...systemRandom, fraction: () => fraction });

test("the delay before a job's retry doubles, up to half an hour", () => {
  expect([1, 2, 3, 10, 11, 12].map((attempt) => retryDelay(attempt, at(1)))).toEqual([
    2_000, 4_000, 8_000, 1_024_000, 1_800_000, 1_800_000,
  ]);
});

test("jobs that failed together are retried at different times", () => {
  expect([retryDelay(3, at(0)), retryDelay(3, at(0.5))]).toEqual([4_000, 6_000]);
});
