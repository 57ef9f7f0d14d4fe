import type { Redis } from "ioredis";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { AppError } from "../../../lib/actions/errors.ts";
import { type Config, ConfigError } from "../../../lib/config/config.ts";
import { maxRates } from "../../../lib/config/production-checks.ts";
import { rateLimitKey } from "../../../lib/runtime/rate-limit-key.ts";
import type { RequestContext } from "../http/request-context.ts";
import type { GuardedRoute, RateLimitClass, Route } from "../routes.types.ts";

/** Counts a request and adds the RateLimit headers to its response. Rejects with 429 `rate_limited`. */
export type EnforceRateLimit = (context: RequestContext, route: GuardedRoute) => Promise<void>;

type Limiter = Pick<RateLimiterMemory, "consume">;

/**
 * Limits requests per address and action (IETF draft-ietf-httpapi-ratelimit-headers); null if limits are disabled.
 * Without Redis each gateway counts for itself. Failed logins per account are limited in PostgreSQL in any case.
 */
export function createRateLimits(
  config: Config,
  redis: Redis | null,
  routes: readonly Route[],
): EnforceRateLimit | null {
  const ofActions = createActionLimits(config, redis, routes);
  if (!config.rateLimits.enabled) return null;
  const limits: Readonly<Record<RateLimitClass, EnforceRateLimit>> = {
    register: createRateLimit(redis, "register", config.rateLimits.register),
    login: createRateLimit(redis, "login", config.rateLimits.login),
    mail: createRateLimit(redis, "mail", config.rateLimits.mail),
    // In memory of each gateway, because this limit is not worth a round trip to Redis.
    default: createRateLimit(null, "default", config.rateLimits.default),
  };
  return (context, route) => (ofActions.get(rateLimitKeyOf(route)) ?? limits[route.rateLimit])(context, route);
}

/** Limits of RATE_LIMIT_ROUTES, by action: one that has several paths has one limit for all of them. */
function createActionLimits(config: Config, redis: Redis | null, routes: readonly Route[]) {
  const limits = new Map<string, EnforceRateLimit>();
  for (const [name, rate] of Object.entries(config.rateLimits.routes)) {
    const route = routes.find(({ method, path }) => `${method} ${path}` === name);
    if (!route || route.kind === "page") throw routesError(`the API has no route ${name}.`);
    const key = rateLimitKeyOf(route);
    if (limits.has(key)) throw routesError(`${name} has a limit already, under this path or another one.`);
    const max = maxRates[route.rateLimit];
    if (config.production && rate.count / rate.seconds > max)
      throw routesError(`${name} must not exceed ${max} requests per second and address.`);
    limits.set(key, createRateLimit(redis, "route", rate));
  }
  return limits;
}

function routesError(problem: string): ConfigError {
  return new ConfigError([`RATE_LIMIT_ROUTES: ${problem}`]);
}

function rateLimitKeyOf(route: GuardedRoute): string {
  return route.kind === "events" ? route.path : route.action;
}

/** Probes and metrics are asked by few addresses, often, and must be answered when others flood. */
const unlimitedPages = /^\/(?:health(?:\/.*)?|metrics)$/;

/** A first visit of a page loads up to this many modules, stylesheets and fonts; later visits find them in the cache. */
const FILES_OF_A_PAGE = 100;
const ASSETS = "/assets/";

/**
 * Limits pages, avatars and paths that do not exist, together, per address. The files that pages load have a count of
 * their own, so that the limit says how many pages people behind one address can open.
 */
export function createPageLimit(config: Config): (context: RequestContext) => Promise<void> | undefined {
  const { count, seconds } = config.rateLimits.default;
  const pages = createLimiter(null, "default", count, seconds);
  const files = createLimiter(null, "default", count * FILES_OF_A_PAGE, seconds);
  const enforce = async ({ client, path }: RequestContext): Promise<void> => {
    const [limiter, counted] = path.startsWith(ASSETS) ? [files, "files"] : [pages, "pages"];
    const { msBeforeNext, isExceeded } = await consume(limiter, `${counted} ${rateLimitKey(client.ip)}`);
    if (isExceeded) throw new AppError("rate_limited", { retry_after: Math.max(1, Math.ceil(msBeforeNext / 1_000)) });
  };
  return (context) => (config.rateLimits.enabled && !unlimitedPages.test(context.path) ? enforce(context) : undefined);
}

function createRateLimit(
  redis: Redis | null,
  name: RateLimitClass | "route",
  { count, seconds }: Config["rateLimits"]["default"],
): EnforceRateLimit {
  const limiter = createLimiter(redis, name, count, seconds);
  const policy = `"${name}";q=${count};w=${seconds}`;
  return async ({ client, responseHeaders }, route) => {
    const { remaining, msBeforeNext, isExceeded } = await consume(
      limiter,
      `${rateLimitKeyOf(route)} ${rateLimitKey(client.ip)}`,
    );
    const reset = Math.max(1, Math.ceil(msBeforeNext / 1_000));
    responseHeaders.push("RateLimit", `"${name}";r=${remaining};t=${reset}`, "RateLimit-Policy", policy);
    if (isExceeded) throw new AppError("rate_limited", { retry_after: reset });
  };
}

function createLimiter(redis: Redis | null, name: string, points: number, duration: number): Limiter {
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

/** Consumes one point. The library rejects with its result, not an error, once the limit is exceeded. */
async function consume(limiter: Limiter, key: string) {
  try {
    const { remainingPoints, msBeforeNext } = await limiter.consume(key);
    return { remaining: remainingPoints, msBeforeNext, isExceeded: false };
  } catch (result) {
    if (!(result instanceof RateLimiterRes)) throw result;
    return { remaining: 0, msBeforeNext: result.msBeforeNext, isExceeded: true };
  }
}
