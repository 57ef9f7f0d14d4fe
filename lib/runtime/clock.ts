import { randomBytes, randomFillSync } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";

export interface Clock {
  /** The wall clock, which may jump. */
  now(): Date;
  /** Milliseconds since a fixed point in time of this process; never goes back. */
  monotonic(): number;
}

export interface Random {
  /** Cryptographically secure bytes. */
  bytes(size: number): Buffer;
  /** 0 ≤ x < 1, for jitter and sampling. Predictable, never for secrets. */
  fraction(): number;
}

export interface Timers {
  /** Runs `fn` once after `ms` milliseconds, unless the returned function is called first. */
  after(ms: number, fn: () => void): () => void;
  /** Rejects with the signal's reason as soon as `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
};

/** Reading 16 random bytes per request from the kernel took 11 % of the gateway's CPU time; 4 KiB at once cost almost nothing. */
const pool = Buffer.alloc(4_096);
let used = pool.length;

/** Returns each byte once and then overwrites it. */
function pooledBytes(size: number): Buffer {
  if (size > 64) return randomBytes(size);
  if (used + size > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = Buffer.from(pool.subarray(used, used + size));
  pool.fill(0, used, used + size);
  used += size;
  return bytes;
}

export const systemRandom: Random = {
  bytes: pooledBytes,
  fraction: () => Math.random(),
};

export const systemTimers: Timers = {
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) => (signal ? sleepUnlessAborted(ms, signal) : wait(ms)),
};

/** node:timers/promises makes an error with a stack each time, which took 6 % of a sign-in's CPU time in the relay. */
function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
