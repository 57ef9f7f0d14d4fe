import { Queue, Worker } from "bullmq";
import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "pino";
import { type QueueBackend, stopLocks } from "./queues-backend.ts";

const CONNECT: RedisOptions = {
  retryStrategy: (times) => Math.min(times * 100, 1_000),
  connectTimeout: 2_000,
  keepAlive: 5_000,
};

/** Producers must not wait for Redis: the outbox adds later what they cannot add now. */
const PRODUCER: RedisOptions = {
  ...CONNECT,
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
  commandTimeout: 2_000,
};
/** Workers wait for Redis without limit. */
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

/** Logs the loss of the connection and its return, not each attempt. */
function connection(url: string, options: RedisOptions, log: Logger): Redis {
  const redis = new Redis(url, options);
  let unavailable = false;
  redis.on("error", (error: Error) => {
    if (!unavailable) log.warn({ error: error.message }, "Redis unavailable");
    unavailable = true;
  });
  redis.on("ready", () => {
    if (unavailable) log.info("Redis available again");
    unavailable = false;
  });
  return redis;
}

/** BullMQ duplicates our connection for blocking commands and never closes the duplicate while Redis is unavailable. */
function withDuplicates(first: Redis): { first: Redis; disconnect(): void } {
  const all = [first];
  const duplicate = first.duplicate.bind(first);
  first.duplicate = (...args) => {
    const copy = duplicate(...args);
    all.push(copy);
    return copy;
  };
  return { first, disconnect: () => all.map((redis) => redis.disconnect()) };
}

/** The connection's own listener has already logged the error. */
function quiet(queue: Queue): Queue {
  return queue.on("error", () => undefined);
}
