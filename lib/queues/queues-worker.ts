import { type Job as BullJob, type Processor, UnrecoverableError, Worker } from "bullmq";
import type { Logger } from "pino";
import type { Random, Timers } from "../runtime/clock.ts";
import { DeadLetter, PauseQueue, type RunningWorker, type WorkerOptions } from "../runtime/platform.ts";
import { withTimeout } from "../runtime/with-timeout.ts";
import type { OpenWorker, QueueBackend } from "./queues-backend.ts";

interface Options extends WorkerOptions {
  readonly backend: QueueBackend;
  readonly queue: string;
  readonly log: Logger;
  readonly random: Random;
  readonly timers: Timers;
  readonly closing: AbortSignal;
}

const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 30 * 60_000;
const RESTART_MS = 500;
/** Jobs in hand are finished; one that isn't by then goes to another worker as stalled. */
const CLOSE_MS = 8_000;
const CLOSE_WITHOUT_STORE_MS = 500;

const settings = {
  autorun: false,
  // A worker that was killed is noticed within 15 s.
  lockDuration: 10_000,
  stalledInterval: 5_000,
  // A killed worker is no fault of the job: BullMQ would bury it at the second time.
  maxStalledCount: 1_000,
  runRetryDelay: 500,
  maximumRateLimitDelay: 1_000,
  // Without a limiter BullMQ on Redis ignores a pause. This one never limits.
  limiter: { max: 1_000_000, duration: 1_000 },
};

export function startWorker(options: Options): RunningWorker {
  const stopping = new AbortController();
  const ended = AbortSignal.any([stopping.signal, options.closing]);
  let open: OpenWorker | undefined;
  const starting = openWithRetry(options, ended, (next) => {
    open = next;
  });
  return {
    async close() {
      stopping.abort();
      await starting.catch(() => undefined);
      if (!open) return;
      const ms = options.backend.isUp() ? CLOSE_MS : CLOSE_WITHOUT_STORE_MS;
      const orderly = await withTimeout(
        ms,
        open.worker.close().catch(() => undefined),
      );
      if (!orderly)
        options.log.warn({ queue: options.queue }, "worker shutdown timed out, its jobs move to another worker");
      await withTimeout(
        CLOSE_WITHOUT_STORE_MS,
        open.discard().catch(() => undefined),
      );
    },
  };
}

/** The store may start after us, and BullMQ never gets over a first connection that failed. */
async function openWithRetry(
  options: Options,
  ended: AbortSignal,
  tell: (open: OpenWorker | undefined) => void,
): Promise<void> {
  const { backend, queue, log, timers } = options;
  while (!ended.aborted) {
    const open = backend.worker(
      queue,
      processor(options, () => open.worker),
      {
        ...settings,
        concurrency: options.concurrency,
        settings: { backoffStrategy: (attempts = 1) => retryDelay(attempts, options.random) },
      },
    );
    tell(open);
    open.worker.on("error", createErrorLog(queue, log));
    try {
      await Promise.race([open.worker.waitUntilReady(), aborted(ended)]);
      open.worker
        .run()
        .catch((error: Error) => log.error({ queue, error: error.message }, "worker stopped unexpectedly"));
      return;
    } catch {
      await withTimeout(
        CLOSE_WITHOUT_STORE_MS,
        open.discard().catch(() => undefined),
      );
      tell(undefined);
      await timers.sleep(RESTART_MS, ended).catch(() => undefined);
    }
  }
}

function processor({ queue, handle, log }: Options, worker: () => OpenWorker["worker"]): Processor {
  return async (job: BullJob) => {
    try {
      await handle({ id: job.id ?? "", name: job.name, data: job.data, attempt: job.attemptsMade + 1 });
    } catch (error) {
      if (error instanceof PauseQueue) {
        await worker().rateLimit(error.ms);
        throw Worker.RateLimitError();
      }
      const { message } = error as Error;
      const last = error instanceof DeadLetter || job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      log[last ? "error" : "warn"](
        { queue, job: job.id, name: job.name, attempt: job.attemptsMade + 1, error: message },
        last ? "a job is a dead letter" : "a job failed, will try again",
      );
      throw error instanceof DeadLetter ? new UnrecoverableError(message) : error;
    }
  };
}

/** 1 to 2 s, 2 to 4 s, 4 to 8 s, …: what failed together does not come again together. */
export function retryDelay(attempts: number, random: Random): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), MAX_RETRY_MS);
  return Math.round(longest * (0.5 + random.fraction() / 2));
}

/** A store that is away is told once, not at every try. */
function createErrorLog(queue: string, log: Logger): (error: Error) => void {
  let said = "";
  return ({ message }) => {
    if (message !== said) log.warn({ queue, error: message }, "worker connection failed");
    said = message;
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
