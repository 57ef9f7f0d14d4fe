import type { Redis } from "ioredis";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Config } from "../../../lib/config/config.ts";
import { rateLimitKey } from "../http/client-address.ts";
import type { RateLimitClass } from "../routes.ts";

export interface RateLimits {
  consume(limit: RateLimitClass, action: string, ip: string): Promise<RateLimitResult>;
}

export interface RateLimitResult {
  /** Header lines for the answer, names and values in turn. */
  readonly headers: readonly string[];
  /** 429 where nothing is left. */
  readonly error: AppError | null;
}

type Limiter = Pick<RateLimiterMemory, "consume">;

/** Counted for all gateways together where there is a Redis, but for the rest, which is not worth a round trip. */
const SHARED: readonly RateLimitClass[] = ["register", "login", "mail"];
const CLASSES: readonly RateLimitClass[] = [...SHARED, "default"];

/**
 * Requests per address and action (IETF draft-ietf-httpapi-ratelimit-headers). With Redis away each gateway counts for
 * itself: the guess limits per account, in PostgreSQL, stand in any case.
 */
export function createRateLimits(config: Config, redis: Redis | null): RateLimits | null {
  if (!config.rateLimits.enabled) return null;
  const limiters = new Map(CLASSES.map((name) => [name, createLimit(config, redis, name)]));
  return { consume: (limit, action, ip) => (limiters.get(limit) as ReturnType<typeof createLimit>)(action, ip) };
}

function createLimit(config: Config, redis: Redis | null, name: RateLimitClass) {
  const { count, seconds } = config.rateLimits[name];
  const limiter = limiterOf(redis && SHARED.includes(name) ? redis : null, name, count, seconds);
  const policy = `"${name}";q=${count};w=${seconds}`;
  return async (action: string, ip: string): Promise<RateLimitResult> => {
    const taken = await consume(limiter, `${action} ${rateLimitKey(ip)}`);
    const reset = Math.max(1, Math.ceil(taken.msBeforeNext / 1_000));
    const headers = ["RateLimit", `"${name}";r=${taken.remainingPoints};t=${reset}`, "RateLimit-Policy", policy];
    return { headers, error: taken.isOver ? new AppError("rate_limited", { retry_after: reset }) : null };
  };
}

function limiterOf(redis: Redis | null, name: RateLimitClass, points: number, duration: number): Limiter {
  const options = { keyPrefix: `usermesh:limit:${name}`, points, duration };
  const memory = new RateLimiterMemory(options);
  if (!redis) return memory;
  return new RateLimiterRedis({
    ...options,
    storeClient: redis,
    insuranceLimiter: memory,
    rejectIfRedisNotReady: true,
  });
}

interface Taken {
  readonly remainingPoints: number;
  readonly msBeforeNext: number;
  readonly isOver: boolean;
}

/** The library rejects with its result where the limit is reached. */
async function consume(limiter: Limiter, key: string): Promise<Taken> {
  try {
    const { remainingPoints, msBeforeNext } = await limiter.consume(key);
    return { remainingPoints, msBeforeNext, isOver: false };
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    return { remainingPoints: 0, msBeforeNext: refusal.msBeforeNext, isOver: true };
  }
}
