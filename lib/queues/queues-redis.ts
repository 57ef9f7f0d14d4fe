import { Queue, Worker } from "bullmq";
import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "pino";
import { type QueueBackend, stopLocks } from "./queues-backend.ts";

const CONNECT: RedisOptions = {
  retryStrategy: (times) => Math.min(times * 100, 1_000),
  connectTimeout: 2_000,
  keepAlive: 5_000,
};

/** A producer must not wait for Redis: what it can't add now, the outbox adds later. */
const PRODUCER: RedisOptions = {
  ...CONNECT,
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
  commandTimeout: 2_000,
};
/** A worker waits for it as long as it takes. */
const WORKER: RedisOptions = { ...CONNECT, maxRetriesPerRequest: null };

export function openRedisBackend(url: string, log: Logger): QueueBackend {
  const producer = connection(url, PRODUCER, log);
  return {
    queue: (name, options) => quiet(new Queue(name, { ...options, connection: producer })),
    worker(name, processor, options) {
      const clients = withDuplicates(connection(url, WORKER, log));
      const worker = new Worker(name, processor, { ...options, connection: clients.first });
      return {
        worker,
        discard: async () => {
          clients.disconnect();
          await stopLocks(worker);
        },
      };
    },
    isUp: () => producer.status === "ready",
    close: async () => producer.disconnect(),
  };
}

/** One line when it goes and one when it is back, not one for each try. */
function connection(url: string, options: RedisOptions, log: Logger): Redis {
  const redis = new Redis(url, options);
  let away = false;
  redis.on("error", (error: Error) => {
    if (!away) log.warn({ error: error.message }, "Redis unavailable");
    away = true;
  });
  redis.on("ready", () => {
    if (away) log.info("Redis available again");
    away = false;
  });
  return redis;
}

/** BullMQ makes its blocking connection from ours and, with Redis away, never gives it back. */
function withDuplicates(first: Redis): { first: Redis; disconnect(): void } {
  const all = [first];
  const duplicate = first.duplicate.bind(first);
  first.duplicate = (...args) => {
    const made = duplicate(...args);
    all.push(made);
    return made;
  };
  return { first, disconnect: () => all.map((one) => one.disconnect()) };
}

/** The connection has told it already. */
function quiet(queue: Queue): Queue {
  return queue.on("error", () => undefined);
}
