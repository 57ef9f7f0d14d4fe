import type { ServiceBroker, ServiceSchema } from "moleculer";
import { isBusError } from "../lib/actions/bus-errors.ts";
import { withCorrelation } from "../lib/actions/correlation.ts";
import { isError } from "../lib/actions/errors.ts";
import { type Call, callAsService } from "../lib/actions/typed-call.ts";
import { journaled } from "../lib/observability/call-journal.ts";
import {
  DeadLetter,
  type Job,
  PauseQueue,
  type Platform,
  type QueueName,
  type RunningJob,
  type RunningWorker,
} from "../lib/runtime/platform.ts";
import { retry } from "../lib/runtime/retry.ts";

export interface WorkerDefinition {
  /** Calls are made as `service:worker-<name>`. */
  readonly name: string;
  readonly queue: QueueName;
  readonly concurrency: number;
  /** Recurring jobs, each run once on the whole mesh. */
  readonly schedules?: ReadonlyArray<{ readonly name: string; readonly everyMs: number }>;
  correlationOf(job: Job): string;
  run(job: RunningJob, call: Call): Promise<void>;
}

/**
 * How long a queue is paused before it tries one job again. Short, so that the first mail after an outage only waits for
 * the circuit breaker to half-open. An attempt is cheap: one message to the queue store, and no call while it is open.
 */
const PAUSE_MS = 1_000;
const SCHEDULE_RETRY_MS = 1_000;

/** A service without actions, which takes jobs from a queue and calls other services. */
export function worker(platform: Platform, work: WorkerDefinition): ServiceSchema {
  const stopping = new AbortController();
  let running: RunningWorker | undefined;
  let scheduling: Promise<void> = Promise.resolve();
  if (!platform.queues.embedded) platform.health.add("redis", async () => platform.queues.isUp(), { isVital: true });
  return {
    name: `worker-${work.name}`,
    async started(this: { broker: ServiceBroker }) {
      const handle = createHandler(platform, work, this.broker);
      running = await platform.queues.work(work.queue, { concurrency: work.concurrency, handle });
      scheduling = createSchedules(platform, work, stopping.signal).catch(() => undefined);
    },
    async stopped() {
      stopping.abort();
      await scheduling;
      await running?.close();
    },
  };
}

function createHandler(
  { log, metrics: { journal } }: Platform,
  { name, queue, correlationOf, run }: WorkerDefinition,
  broker: ServiceBroker,
): (job: RunningJob) => Promise<void> {
  let paused = false;
  return async (job) => {
    const correlationId = correlationOf(job);
    try {
      const step = {
        correlation_id: correlationId,
        kind: "job",
        name: job.name,
        service: `worker-${name}`,
        from: queue,
      } as const;
      const work = () => run(job, callAsService(broker, `worker-${name}`, correlationId));
      await withCorrelation(correlationId, () => journaled(journal, step, work));
      if (paused) log.info({ queue }, "queue resumed");
      paused = false;
    } catch (error) {
      if (!isSystemic(error)) throw isPermanent(error) ? new DeadLetter((error as Error).message) : error;
      if (!paused) log.warn({ queue, error: (error as Error).message }, "queue paused: dependency unavailable");
      paused = true;
      throw new PauseQueue(PAUSE_MS);
    }
  };
}

/**
 * True for failures of the environment rather than of this job: no node available, circuit breaker open, or the callee's
 * dependency down. A timeout is not one of them, because a job that is always too slow must not block the others.
 */
function isSystemic(error: unknown): boolean {
  if (isBusError(error)) return error.name !== "RequestTimeoutError";
  return isError(error, "service_unavailable", "overloaded", "mail_unavailable");
}

function isPermanent(error: unknown): boolean {
  return error instanceof DeadLetter || isError(error, "validation_failed", "mail_refused", "push_refused");
}

/** The queue store may start after this node. */
async function createSchedules(
  { queues, timers, log }: Platform,
  { queue, schedules = [] }: WorkerDefinition,
  signal: AbortSignal,
): Promise<void> {
  const onFailure = (error: string) => log.debug({ queue, error }, "scheduling failed, will be retried");
  const options = { timers, delayMs: SCHEDULE_RETRY_MS, signal, onFailure };
  for (const { name, everyMs } of schedules) await retry(() => queues.schedule(queue, name, everyMs), options);
}
