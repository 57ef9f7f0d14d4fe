import type { Processor, Queue, QueueOptions, Worker, WorkerOptions } from "bullmq";
import { withTimeout } from "../runtime/with-timeout.ts";

/** What we use of BullMQ's queue, on whatever store. */
export type JobQueue = Pick<
  Queue,
  "add" | "upsertJobScheduler" | "getJobCounts" | "getFailed" | "getJob" | "waitUntilReady" | "close"
>;
export type JobWorker = Pick<Worker, "run" | "rateLimit" | "waitUntilReady" | "close"> & {
  on(event: "error", listener: (error: Error) => void): unknown;
};

export interface OpenWorker {
  readonly worker: JobWorker;
  /** Drops its connections at once, whatever state they are in. */
  discard(): Promise<void>;
}

export interface QueueBackend {
  /** Throws at once where the store is known to be away. */
  queue(name: string, options: Omit<QueueOptions, "connection">): JobQueue;
  worker(name: string, processor: Processor, options: Omit<WorkerOptions, "connection">): OpenWorker;
  /** Is it worth waiting for an orderly end? */
  isUp(): boolean;
  close(): Promise<void>;
}

const CLOSE_MS = 1_000;

/** One producer for each queue, made when it is first needed, and again where making it failed: BullMQ remembers a failure for ever. */
export function openProducers(backend: QueueBackend) {
  const producers = new Map<string, Promise<JobQueue>>();
  const open = async (name: string): Promise<JobQueue> => {
    const queue = backend.queue(name, {});
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
      await withTimeout(CLOSE_MS, Promise.all(queues.map((queue) => queue?.close().catch(() => undefined))));
    },
  };
}

/** A worker that could not end in an orderly way goes on renewing its locks, and with that keeps the process alive. */
export async function stopLocks(worker: unknown): Promise<void> {
  await (worker as { readonly lockManager?: { close(): Promise<void> } }).lockManager?.close();
}
