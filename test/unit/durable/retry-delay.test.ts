import { describe, expect, test } from "@jest/globals";
import { retryDelay, retryPolicy } from "../../../lib/queues/retry-policies.ts";
import { systemRandom } from "../../../lib/runtime/clock.ts";

const at = (fraction: number) => ({ ...systemRandom, fraction: () => fraction });
const mail = retryPolicy("mail");

test("the delay before a job's retry doubles, up to half an hour", () => {
  expect([1, 2, 3, 10, 11, 12].map((attempt) => retryDelay(attempt, at(1), mail))).toEqual([
    2_000, 4_000, 8_000, 1_024_000, 1_800_000, 1_800_000,
  ]);
});

test("jobs that failed together are retried at different times", () => {
  expect([retryDelay(3, at(0), mail), retryDelay(3, at(0.5), mail)]).toEqual([4_000, 6_000]);
});

describe("a webhook message", () => {
  const policy = retryPolicy("webhooks");
  const delays = (fraction: number) =>
    Array.from({ length: policy.attempts - 1 }, (_, index) => retryDelay(index + 1, at(fraction), policy));
  const hours = (fraction: number) => delays(fraction).reduce((sum, one) => sum + one, 0) / 3_600_000;

  test("is retried within seconds at first, and every few hours in the end", () => {
    expect(delays(1).slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000]);
    expect(delays(1).at(-1)).toBe(4 * 3_600_000);
  });

  test("is retried for about a day, whatever the jitter", () => {
    expect(hours(0)).toBeGreaterThan(16);
    expect(hours(0.5)).toBeGreaterThan(24);
    expect(hours(1)).toBeLessThan(36);
  });
});
