import type { Telemetry } from "bullmq";
import type { Logger } from "pino";
import type { Random, Timers } from "../runtime/clock.ts";
import { systemTimers } from "../runtime/clock.ts";
import type { FailedJob, Job, Queues } from "../runtime/platform.ts";
import { type JobQueue, openProducers, type QueueBackend } from "./queues-backend.ts";
import type { QueueDatabase } from "./queues-postgres.ts";
import { startWorker } from "./queues-worker.ts";
import { retryPolicy } from "./retry-policies.ts";

export interface QueueOptions {
  /** If unset, BullMQ stores its jobs in PostgreSQL. */
  readonly redisUrl: string | undefined;
  /** Required without Redis. */
  readonly database: QueueDatabase | undefined;
  readonly log: Logger;
  readonly random: Random;
  readonly timers?: Timers;
  /** Carries traces from the process that adds a job to the worker. */
  readonly telemetry?: Telemetry | undefined;
}

const DAY_SECONDS = 86_400;

/** Does not wait for Redis or PostgreSQL: while they are unavailable queues reject jobs, and the outbox keeps them. */
export async function openQueues(options: QueueOptions): Promise<Queues> {
  const { log, random, timers = systemTimers, telemetry } = options;
  const backend = await openBackend(options);
  const producers = openProducers(backend, telemetry === undefined ? {} : { telemetry });
  const closing = new AbortController();
  const workers = new Set<() => Promise<void>>();
  return {
    embedded: options.redisUrl === undefined,
    async add(queue, job) {
      const jobId = assertJobId(job);
      const producer = await producers.get(queue);
      await producer.add(job.name, job.data, { ...durableJob, attempts: retryPolicy(queue).attempts, jobId });
    },
    async schedule(queue, name, everyMs) {
      const producer = await producers.get(queue);
      await producer.upsertJobScheduler(name, { every: everyMs }, { name, data: {}, opts: scheduledJob });
    },
    async work(queue, { concurrency, handle }) {
      const parts = { backend, log, random, timers, telemetry };
      const worker = startWorker({ ...parts, queue, concurrency, handle, closing: closing.signal });
      const close = async () => {
        workers.delete(close);
        await worker.close();
      };
      workers.add(close);
      return { close };
    },
    counts: async (queue) => (await producers.get(queue)).getJobCounts(),
    failed: async (queue, limit) => (await (await producers.get(queue)).getFailed(0, limit - 1)).map(failedJob),
    async retry(queue, id) {
      const job = await (await producers.get(queue)).getJob(id);
      if (!job || !(await job.isFailed())) return false;
      await job.retry("failed", { resetAttemptsMade: true, resetAttemptsStarted: true });
      return true;
    },
    async remove(queue, id) {
      const job = await (await producers.get(queue)).getJob(id);
      if (!job || !(await job.isFailed())) return false;
      await job.remove();
      return true;
    },
    isUp: backend.isUp,
    async close() {
      closing.abort();
      await Promise.all([...workers].map((close) => close()));
      await producers.close();
      await backend.close();
    },
  };
}

/** Jobs that must be done: a dead letter stays until an operator has handled it. */
const durableJob = {
  backoff: { type: "custom" },
  removeOnComplete: { age: DAY_SECONDS },
  removeOnFail: false,
  stackTraceLimit: 1,
};

/** Scheduled jobs: the next run makes up for a failed one. */
const scheduledJob = { attempts: 1, removeOnComplete: { count: 20 }, removeOnFail: { count: 20 }, stackTraceLimit: 1 };

async function openBackend({ redisUrl, database, log }: QueueOptions): Promise<QueueBackend> {
  if (redisUrl !== undefined) return (await import("./queues-redis.ts")).openRedisBackend(redisUrl, log);
  if (database !== undefined) return (await import("./queues-postgres.ts")).openPostgresBackend(database, log);
  throw new Error("Queues need Redis or PostgreSQL");
}

/** BullMQ allows no colon in an id and takes ids of digits only for its own. */
function assertJobId({ id }: Job): string {
  if (id.includes(":") || /^\d*$/.test(id)) throw new Error(`Invalid job id: ${JSON.stringify(id)}`);
  return id;
}

function failedJob(job: Awaited<ReturnType<JobQueue["getFailed"]>>[number]): FailedJob {
  return {
    id: job.id ?? "",
    name: job.name,
    data: job.data,
    attempts: job.attemptsMade,
    reason: job.failedReason ?? "",
    failed_at: new Date(job.finishedOn ?? job.timestamp).toISOString(),
  };
}
