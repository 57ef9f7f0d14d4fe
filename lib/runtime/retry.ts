import type { Timers } from "./clock.ts";

export interface RetryOptions {
  readonly timers: Pick<Timers, "sleep">;
  /** Milliseconds before the second attempt; the delay doubles after each attempt, up to `maxDelayMs`. */
  readonly delayMs: number;
  /** Default: every delay is `delayMs`. */
  readonly maxDelayMs?: number;
  /** Default: unlimited. */
  readonly maxAttempts?: number;
  /** No attempt starts later than this after the first one. Default: unlimited. */
  readonly timeoutMs?: number;
  /** Default: every error is. */
  readonly isTransient?: (error: unknown) => boolean;
  /** Failures this long after the first attempt are not reported: they are expected while a whole mesh starts. */
  readonly quietMs?: number;
  readonly signal?: AbortSignal;
  /** Called for each failure whose message differs from the one before, so that a long outage is one log line. */
  readonly onFailure?: (message: string) => void;
}

/**
 * Repeats `work` until it succeeds. Rejects with its last error once a limit is reached or the error is not transient,
 * and with the signal's reason once `signal` is aborted. `work` must be safe to repeat.
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { timers, delayMs, maxDelayMs = delayMs, maxAttempts = Infinity, timeoutMs = Infinity, signal } = options;
  const startedAt = performance.now();
  const deadline = startedAt + timeoutMs;
  let lastMessage: string | undefined;
  for (let attempt = 1, delay = delayMs; ; attempt += 1, delay = Math.min(delay * 2, maxDelayMs)) {
    try {
      return await work();
    } catch (error) {
      const isFinal = attempt >= maxAttempts || performance.now() > deadline || options.isTransient?.(error) === false;
      signal?.throwIfAborted();
      if (isFinal) throw error;
      const message = error instanceof Error ? error.message : String(error);
      const isQuiet = performance.now() - startedAt < (options.quietMs ?? 0);
      if (!isQuiet && message !== lastMessage) options.onFailure?.(message);
      if (!isQuiet) lastMessage = message;
      await timers.sleep(delay, signal);
      signal?.throwIfAborted();
    }
  }
}
