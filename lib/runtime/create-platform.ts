import type { Logger } from "pino";
import { type Config, ConfigError } from "../config/config.ts";
import { needsOf } from "../config/service-needs.ts";
import { parseDerivedKeys } from "../crypto/derived-keys.ts";
import { createKeyRing, type KeyRing, parseKeyRing } from "../crypto/key-ring.ts";
import { schemaOfUrl, schemas } from "../database/database-roles.ts";
import { openEventLog } from "../events/event-log.ts";
import { createMetrics } from "../observability/metrics.ts";
import { openTracing, type Tracing } from "../observability/tracing.ts";
import { type Random, systemClock, systemRandom, systemTimers } from "./clock.ts";
import { createHealthChecks } from "./health-checks.ts";
import type { DevMailbox, Platform, Queues } from "./platform.ts";

/** Threads of libuv's pool that hashing leaves for token checks and files. */
const THREADS_BESIDE_HASHES = 4;
const MIN_POOL = 2;

interface PlatformParts {
  readonly log: Logger;
  /** Names of the services that this process runs. */
  readonly services: readonly string[];
  readonly mailbox?: DevMailbox | undefined;
}

/** Shared by the services of one process. Call `close` after they have stopped. */
export async function createPlatform(
  config: Config,
  { log, services, mailbox }: PlatformParts,
): Promise<Platform & { close(): Promise<void> }> {
  assertOwnRole(config, services);
  if (services.includes("auth")) assertThreads(config);
  const [clock, random, timers] = [systemClock, systemRandom, systemTimers];
  const ring = readKeyRing(config, services, random);
  const events = openEventLog(config.nats.url, { clock, timers, log });
  const tracing = await openTracing(config, services);
  const queues = needsOf(services).queues ? await openQueues(config, { log, random, tracing }) : noQueues;
  const metrics = createMetrics();
  metrics.report("event_consumer_pending", async () =>
    (await events.pending()).map(({ consumer, events: count }) => [{ consumer }, count] as const),
  );
  const health = createHealthChecks(clock);
  if (!events.embedded) health.add("jetstream", () => events.isUp());
  if (!queues.embedded) health.add("redis", async () => queues.isUp());
  return {
    config,
    clock,
    random,
    timers,
    ring,
    log,
    events,
    queues,
    poolSize: poolShare(config, services),
    metrics,
    health,
    tracing,
    mailbox: mailbox ?? remoteMailbox(config),
    close: async () => {
      await queues.close();
      await events.close();
      await tracing?.close();
    },
  };
}

/** The whole ring, or only the keys that the services of this process use. */
function readKeyRing({ secretKey, derivedKeys }: Config, services: readonly string[], random: Random): KeyRing {
  const { keys } = needsOf(services);
  if (secretKey !== undefined) return parseKeyRing(secretKey, random);
  if (derivedKeys !== undefined) return parseDerivedKeys(derivedKeys, keys, random);
  if (keys.length === 0) return noKeys;
  throw new ConfigError(["SECRET_KEY or DERIVED_KEYS must be set: `npm start` makes a key by itself."]);
}

const noKeys: KeyRing = createKeyRing(
  [],
  () => {
    throw new Error("This process has no keys");
  },
  systemRandom,
);

/** The URL of a role opens one schema. */
function assertOwnRole({ database }: Config, services: readonly string[]): void {
  const own = database.url === undefined ? undefined : schemaOfUrl(database.url, database);
  const others = schemas.filter((schema) => schema !== own && services.includes(schema));
  if (own === undefined || others.length === 0) return;
  throw new ConfigError([
    `DATABASE_URL names the role of ${own}, which can't be used by ${others.join(", ")}. Run each service as a process of its own, or set the owner's URL.`,
  ]);
}

/** Loads BullMQ, and the client of the store that is used, only here. */
async function openQueues(
  config: Config,
  { log, random, tracing }: { readonly log: Logger; readonly random: Random; readonly tracing: Tracing | undefined },
): Promise<Queues> {
  const queues = await import("../queues/queues.ts");
  const redisUrl = config.redis.url;
  const database =
    redisUrl === undefined ? (await import("../queues/queues-postgres.ts")).queueDatabase(config) : undefined;
  return queues.openQueues({ telemetry: tracing?.queues, redisUrl, database, log, random });
}

const unused = async (): Promise<never> => {
  throw new Error("This process uses no queues");
};
const noQueues: Queues = {
  ...{ add: unused, schedule: unused, work: unused, counts: unused },
  ...{ failed: unused, retry: unused, remove: unused },
  isUp: () => true,
  embedded: true,
  close: async () => undefined,
};

/** Each service's share of the process's database connections. */
export function poolShare({ database }: Config, services: readonly string[]): number {
  const sharers = services.filter((name) => schemas.some((schema) => schema === name)).length;
  return Math.max(MIN_POOL, Math.floor(database.poolSize / Math.max(1, sharers)));
}

/** bcrypt and WebCrypto share libuv's threads: while all of them hash, a token check takes 430 ms instead of 0.1 (measured). */
function assertThreads({ auth }: Config): void {
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  const { concurrency } = auth.passwordHash;
  const needed = concurrency + THREADS_BESIDE_HASHES;
  if (threads >= needed) return;
  throw new ConfigError([
    `UV_THREADPOOL_SIZE must be ${needed} or more to hash ${concurrency} passwords at the same time, and is ${threads}. The npm scripts set it.`,
  ]);
}

/** The embedded SMTP server of `npm run mesh` lives in another process. */
function remoteMailbox({ mail }: Config): DevMailbox | undefined {
  const url = mail.devMailboxUrl;
  if (url === undefined) return undefined;
  return {
    messages: async () => (await (await fetch(url)).json()) as Awaited<ReturnType<DevMailbox["messages"]>>,
    clear: async () => void (await fetch(url, { method: "DELETE" })),
  };
}
