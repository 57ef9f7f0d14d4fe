import type { Processor, Queue, QueueOptions, Worker, WorkerOptions } from "bullmq";
import { withTimeout } from "../runtime/timeouts.ts";

/** The part of BullMQ's queue that we use, for both stores. */
export type JobQueue = Pick<
  Queue,
  "add" | "upsertJobScheduler" | "getJobCounts" | "getFailed" | "getJob" | "waitUntilReady" | "close"
>;
export type JobWorker = Pick<Worker, "run" | "rateLimit" | "waitUntilReady" | "close"> & {
  on(event: "error", listener: (error: Error) => void): unknown;
};

export interface OpenWorker {
  readonly worker: JobWorker;
  /** Closes its connections immediately, whatever their state. */
  discard(): Promise<void>;
}

export interface QueueBackend {
  /** Throws immediately if the store is known to be unavailable. */
  queue(name: string, options: Omit<QueueOptions, "connection">): JobQueue;
  worker(name: string, processor: Processor, options: Omit<WorkerOptions, "connection">): OpenWorker;
  /** False if an orderly shutdown is pointless because the store is unavailable. */
  isUp(): boolean;
  close(): Promise<void>;
}

const CLOSE_TIMEOUT_MS = 1_000;

/** One producer per queue, opened when first needed. A producer that failed to open is replaced: BullMQ never recovers one. */
export function openProducers(backend: QueueBackend, options: Pick<QueueOptions, "telemetry"> = {}) {
  const producers = new Map<string, Promise<JobQueue>>();
  const open = async (name: string): Promise<JobQueue> => {
    const queue = backend.queue(name, options);
    try {
      await queue.waitUntilReady();
      return queue;
    } catch (error) {
      producers.delete(name);
      void queue.close().catch(() => undefined);
      throw error;
    }
  };
  return {
    async get(name: string): Promise<JobQueue> {
      if (!backend.isUp()) throw new Error("The queue store is unavailable");
      const known = producers.get(name);
      if (known) return known;
      const opening = Promise.resolve().then(() => open(name));
      producers.set(name, opening);
      return opening;
    },
    async close(): Promise<void> {
      const queues = await Promise.all([...producers.values()].map((opening) => opening.catch(() => undefined)));
      await withTimeout(CLOSE_TIMEOUT_MS, Promise.all(queues.map((queue) => queue?.close().catch(() => undefined))));
    },
  };
}

/** A worker that could not shut down properly keeps renewing its locks, which keeps the process alive. */
export async function stopLocks(worker: unknown): Promise<void> {
  await (worker as { readonly lockManager?: { close(): Promise<void> } }).lockManager?.close();
}
