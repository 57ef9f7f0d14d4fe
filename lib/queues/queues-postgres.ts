import { createPostgresBackend, Queue, runMigrations, Worker } from "bullmq";
import { Client } from "pg";
import type { Logger } from "pino";
import { jobsSchema } from "../database/database-roles.ts";
import { type JobQueue, type JobWorker, type QueueBackend, stopLocks } from "./queues-backend.ts";

type Ssl = false | { readonly rejectUnauthorized: boolean };

/** Creates or updates BullMQ's tables, as the owner of the database. Safe to run concurrently. */
export async function migrateQueues(ownerUrl: string, ssl: Ssl = false): Promise<void> {
  const client = new Client({ connectionString: ownerUrl, ssl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await runMigrations(client, jobsSchema);
  } finally {
    await client.end();
  }
}

/**
 * For a mesh in one process. Each queue and each worker has its own small pool, and a worker another connection that
 * listens: at most 2 connections per queue and 3 per worker.
 */
export function openPostgresBackend(url: string, ssl: Ssl, log: Logger): QueueBackend {
  const connection = {
    connectionString: url,
    ssl,
    schema: jobsSchema,
    max: 2,
    connectionTimeoutMillis: 2_000,
    idleTimeoutMillis: 30_000,
    application_name: "usermesh-jobs",
  };
  return {
    queue: (name, options) => {
      const queue = new Queue(name, { ...options, connection }, createPostgresBackend);
      queue.on("error", (error) => log.warn({ queue: name, error: error.message }, "queue connection failed"));
      return queue as unknown as JobQueue;
    },
    worker: (name, processor, options) => {
      const worker = new Worker(name, processor, { ...options, connection }, createPostgresBackend);
      return {
        worker: worker as unknown as JobWorker,
        discard: async () => {
          await stopLocks(worker);
          await worker.disconnect();
        },
      };
    },
    isUp: () => true,
    close: async () => undefined,
  };
}
