import { createPostgresBackend, Queue, runMigrations, Worker } from "bullmq";
import { Client } from "pg";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { jobsSchema } from "../database/database-roles.ts";
import { schemaName } from "../database/schema-names.ts";
import { type SslOption, sslOption } from "../database/ssl-option.ts";
import { type JobQueue, type JobWorker, type QueueBackend, stopLocks } from "./queues-backend.ts";

/** Creates or updates BullMQ's tables, as the owner of the database. Safe to run concurrently. */
export async function migrateQueues(config: Config, ownerUrl: string): Promise<void> {
  const client = new Client({
    connectionString: ownerUrl,
    ssl: sslOption(config),
    connectionTimeoutMillis: 5_000,
  });
  await client.connect();
  try {
    await runMigrations(client, schemaName(config.database, jobsSchema));
  } finally {
    await client.end();
  }
}

export interface QueueDatabase {
  /** Of the database's owner. */
  readonly url: string;
  readonly ssl: SslOption;
  readonly schema: string;
}

/** Undefined if the process has no database. */
export function queueDatabase({ database }: Config): QueueDatabase | undefined {
  if (database.url === undefined) return undefined;
  return { url: database.url, ssl: sslOption({ database }), schema: schemaName(database, jobsSchema) };
}

/**
 * For a mesh in one process. Each queue has a connection of its own, and each worker two: one that listens, so that waiting
 * for jobs does not delay statements.
 */
export function openPostgresBackend({ url, ssl, schema }: QueueDatabase, log: Logger): QueueBackend {
  const connection = {
    connectionString: url,
    ssl,
    schema,
    max: 1,
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
