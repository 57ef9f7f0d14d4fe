import type { Random } from "../runtime/clock.ts";
import type { QueueName } from "../runtime/platform.ts";

export interface RetryPolicy {
  /** The job becomes a dead letter after this many attempts. */
  readonly attempts: number;
  /** The delay doubles after each attempt, from the first one to the longest. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

const standard: RetryPolicy = { attempts: 12, firstDelayMs: 2_000, maxDelayMs: 30 * 60_000 };

const policies: Readonly<Partial<Record<QueueName, RetryPolicy>>> = {
  // A push is retried only briefly, because a notification that arrives late is of no use.
  push: { ...standard, attempts: 3 },
  // 17 to 34 hours, 25 on average, so that a team has about a day to notice that its receiver is down and to repair it.
  webhooks: { attempts: 20, firstDelayMs: 5_000, maxDelayMs: 4 * 3_600_000 },
};

export function retryPolicy(queue: string): RetryPolicy {
  return policies[queue as QueueName] ?? standard;
}

/** The delay after attempt 1, 2, … Up to half of it is random, so that jobs that failed together are not retried together. */
export function retryDelay(attempt: number, random: Random, { firstDelayMs, maxDelayMs }: RetryPolicy): number {
  const maxDelay = Math.min(firstDelayMs * 2 ** (attempt - 1), maxDelayMs);
  return Math.round(maxDelay * (0.5 + random.fraction() / 2));
}
