import { type Job as BullJob, DelayedError, type Processor, type Telemetry, UnrecoverableError, Worker } from "bullmq";
import type { Logger } from "pino";
import type { Random, Timers } from "../runtime/clock.ts";
import { DeadLetter, PauseQueue, Postpone, type RunningWorker, type WorkerOptions } from "../runtime/platform.ts";
import { retry } from "../runtime/retry.ts";
import { withTimeout } from "../runtime/timeouts.ts";
import type { OpenWorker, QueueBackend } from "./queues-backend.ts";
import { retryDelay, retryPolicy } from "./retry-policies.ts";

interface Options extends WorkerOptions {
  readonly backend: QueueBackend;
  readonly queue: string;
  readonly log: Logger;
  readonly random: Random;
  readonly timers: Timers;
  readonly telemetry?: Telemetry | undefined;
  readonly closing: AbortSignal;
}

const RESTART_MS = 500;
/** Running jobs may finish until then; the others move to another worker as stalled. */
const CLOSE_TIMEOUT_MS = 8_000;
const DISCARD_TIMEOUT_MS = 500;

const settings = {
  autorun: false,
  // A killed worker is noticed within 15 s.
  lockDuration: 10_000,
  stalledInterval: 5_000,
  // A killed worker is not the job's fault: by default BullMQ fails the job the second time.
  maxStalledCount: 1_000,
  runRetryDelay: 500,
  maximumRateLimitDelay: 1_000,
  // Without a limiter BullMQ on Redis ignores rateLimit(), which pauses the queue. This limit is never reached.
  limiter: { max: 1_000_000, duration: 1_000 },
};

export function startWorker(options: Options): RunningWorker {
  const { backend, queue, log, timers } = options;
  const stopping = new AbortController();
  const ended = AbortSignal.any([stopping.signal, options.closing]);
  let open: OpenWorker | undefined;
  // The store may start after this process, and BullMQ does not recover from a failed first connection.
  const start = async () => {
    ended.throwIfAborted();
    open = openWorker(options);
    try {
      await Promise.race([open.worker.waitUntilReady(), aborted(ended)]);
    } catch (error) {
      await discard(open);
      open = undefined;
      throw error;
    }
    open.worker
      .run()
      .catch((error: Error) => log.error({ queue, error: error.message }, "worker stopped unexpectedly"));
  };
  const starting = retry(start, { timers, delayMs: RESTART_MS, signal: ended }).catch(() => undefined);
  return {
    async close() {
      stopping.abort();
      await starting;
      if (!open) return;
      const closing = open.worker.close().catch(() => undefined);
      if (!(await withTimeout(backend.isUp() ? CLOSE_TIMEOUT_MS : DISCARD_TIMEOUT_MS, closing)))
        log.warn({ queue }, "worker shutdown timed out, its jobs move to another worker");
      await discard(open);
    },
  };
}

function openWorker(options: Options): OpenWorker {
  const { backend, queue, concurrency, random, log, telemetry } = options;
  const open: OpenWorker = backend.worker(
    queue,
    processor(options, () => open.worker),
    {
      ...settings,
      ...(telemetry && { telemetry }),
      concurrency,
      settings: { backoffStrategy: (attempts = 1) => retryDelay(attempts, random, retryPolicy(queue)) },
    },
  );
  open.worker.on("error", createErrorLog(queue, log));
  return open;
}

async function discard(open: OpenWorker): Promise<void> {
  await withTimeout(
    DISCARD_TIMEOUT_MS,
    open.discard().catch(() => undefined),
  );
}

function processor({ queue, handle, log }: Options, worker: () => OpenWorker["worker"]): Processor {
  return async (job: BullJob, token?: string) => {
    const attempt = job.attemptsMade + 1;
    const isLastAttempt = attempt >= (job.opts.attempts ?? 1);
    try {
      await handle({ id: job.id ?? "", name: job.name, data: job.data, attempt, isLastAttempt });
    } catch (error) {
      if (error instanceof PauseQueue) {
        await worker().rateLimit(error.ms);
        throw Worker.RateLimitError();
      }
      if (error instanceof Postpone) {
        await job.moveToDelayed(Date.now() + error.ms, token);
        throw new DelayedError();
      }
      const { message } = error as Error;
      const last = error instanceof DeadLetter || isLastAttempt;
      log[last ? "error" : "warn"](
        { queue, job: job.id, name: job.name, attempt, error: message },
        last ? "job failed for good, kept as dead letter" : "job failed, will be retried",
      );
      throw error instanceof DeadLetter ? new UnrecoverableError(message) : error;
    }
  };
}

/** Logs a connection failure once, not at each attempt. */
function createErrorLog(queue: string, log: Logger): (error: Error) => void {
  let lastMessage = "";
  return ({ message }) => {
    if (message !== lastMessage) log.warn({ queue, error: message }, "worker connection failed");
    lastMessage = message;
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
