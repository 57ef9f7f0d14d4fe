import { OverloadedError } from "./bulkhead.ts";
import type { Clock } from "./clock.ts";

export interface WorkQueueOptions {
  /** Maximum running at once, 1 or more. */
  readonly concurrency: number;
  /** Work that would wait longer than this is rejected when it arrives. */
  readonly maxWaitMs: number;
  /** Assumed duration of the work until the first one has been measured. */
  readonly initialMs: number;
  readonly clock: Pick<Clock, "monotonic">;
}

/** Work of one kind, such as sign-ups. The kinds that have work waiting take turns. */
export interface WorkQueue {
  /**
   * Holds a place in the queue while the caller prepares its work: the place counts as waiting work until it is released.
   * Throws OverloadedError if work of this kind would have to wait too long.
   */
  reserve(kind: string): Reservation;
  /** Rejects with OverloadedError without starting the work if it would wait too long, or end after the deadline. */
  run<T>(turn: Turn, work: () => Promise<T>): Promise<T>;
  stats(): { readonly running: number; readonly waiting: number };
}

export interface Turn {
  readonly kind: string;
  /** Monotonic. */
  readonly deadline: number;
  /** The place that this work has reserved; released when it ends. */
  readonly reservation?: Reservation | undefined;
}

export interface Reservation {
  /** May be called more than once. */
  release(): void;
}

interface Waiting {
  readonly deadline: number;
  start(): void;
  reject(): void;
}

/** Weight of the newest measurement in the average duration. */
const NEWEST = 0.1;

/**
 * A queue that is bounded by the time its work would wait, not by a number: what waits longer than its caller is done for
 * nothing, and all that comes after it waits too. A kind that floods the queue can only fill its own part of it.
 */
export function createWorkQueue({ concurrency, maxWaitMs, initialMs, clock }: WorkQueueOptions): WorkQueue {
  if (!(concurrency >= 1)) throw new RangeError("A work queue needs a concurrency of 1 or more");
  /** By kind; the kind whose turn is next comes first. */
  const waiting = new Map<string, Waiting[]>();
  /** Reserved, waiting and running work by kind. */
  const pending = new Map<string, number>();
  let averageMs = initialMs;
  let running = 0;

  return { reserve, run, stats };

  function stats() {
    return { running, waiting: [...waiting.values()].reduce((total, queued) => total + queued.length, 0) };
  }

  /** While kinds take turns, at most one more of each other kind comes before this work than of its own. */
  function expectedWaitMs(kind: string): number {
    const own = pending.get(kind) ?? 0;
    let ahead = own;
    for (const [other, count] of pending) if (other !== kind) ahead += Math.min(count, own + 1);
    return (Math.max(0, ahead - concurrency + 1) * averageMs) / concurrency;
  }

  function reserve(kind: string): Reservation {
    if (expectedWaitMs(kind) > maxWaitMs) throw new OverloadedError(`Too much work is waiting: ${kind}`);
    count(kind, 1);
    let held = true;
    return {
      release() {
        if (held) count(kind, -1);
        held = false;
      },
    };
  }

  function count(kind: string, change: number): void {
    const left = (pending.get(kind) ?? 0) + change;
    if (left > 0) pending.set(kind, left);
    else pending.delete(kind);
  }

  async function run<T>({ kind, deadline, reservation = reserve(kind) }: Turn, work: () => Promise<T>): Promise<T> {
    try {
      if (running >= concurrency) await takeTurn(kind, deadline);
      else if (clock.monotonic() < deadline) running += 1;
      else throw tooLate(kind);
      return await measured(work).finally(passSlotOn);
    } finally {
      reservation.release();
    }
  }

  function takeTurn(kind: string, deadline: number): Promise<void> {
    return new Promise((start, reject) => {
      const entry = { deadline, start, reject: () => reject(tooLate(kind)) };
      const queued = waiting.get(kind);
      if (queued) queued.push(entry);
      else waiting.set(kind, [entry]);
    });
  }

  async function measured<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = clock.monotonic();
    const result = await work();
    averageMs += NEWEST * (clock.monotonic() - startedAt - averageMs);
    return result;
  }

  /** Hands the slot over directly: if it were freed in between, a newcomer could overtake. */
  function passSlotOn(): void {
    for (let next = takeNext(); next; next = takeNext()) {
      const isInTime = clock.monotonic() + averageMs <= next.deadline;
      if (isInTime) next.start();
      else next.reject();
      if (isInTime) return;
    }
    running -= 1;
  }

  function takeNext(): Waiting | undefined {
    const [first] = waiting;
    if (!first) return undefined;
    const [kind, queued] = first;
    const next = queued.shift();
    waiting.delete(kind);
    if (queued.length > 0) waiting.set(kind, queued);
    return next;
  }
}

function tooLate(kind: string): OverloadedError {
  return new OverloadedError(`The deadline left no time for it: ${kind}`);
}
