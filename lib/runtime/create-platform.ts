import type { Logger } from "pino";
import { type Config, ConfigError } from "../config/config.ts";
import { parseKeyRing } from "../crypto/key-ring.ts";
import { schemas, sslOption } from "../database/database-roles.ts";
import { openEventLog } from "../events/event-log.ts";
import { createMetrics } from "../observability/metrics.ts";
import { openQueues } from "../queues/queues.ts";
import { systemClock, systemRandom, systemTimers } from "./clock.ts";
import type { DevMailbox, Platform } from "./platform.ts";

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
  const { secretKey } = config;
  if (secretKey === undefined) throw new ConfigError(["SECRET_KEY must be set: `npm start` makes one by itself."]);
  if (services.includes("auth")) assertThreads(config);
  const [clock, random, timers] = [systemClock, systemRandom, systemTimers];
  const events = openEventLog(config.nats.url, { clock, timers, log });
  const queues = await openQueues({
    redisUrl: config.redis.url,
    databaseUrl: config.database.url,
    databaseSsl: sslOption(config),
    log,
    random,
  });
  return {
    config,
    clock,
    random,
    timers,
    ring: parseKeyRing(secretKey, random),
    log,
    events,
    queues,
    poolSize: poolShare(config, services),
    metrics: createMetrics(),
    mailbox: mailbox ?? remoteMailbox(config),
    close: async () => {
      await queues.close();
      await events.close();
    },
  };
}

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
