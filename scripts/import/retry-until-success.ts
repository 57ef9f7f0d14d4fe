import { isBusError } from "../../lib/actions/bus-errors.ts";
import { AppError } from "../../lib/actions/errors.ts";
import type { Timers } from "../../lib/runtime/clock.ts";

const FIRST_MS = 100;
const MAX_MS = 2_000;
const TIMEOUT_MS = 5 * 60_000;

/** Repeats what fails for now (a node that dies, a relay that is behind) for five minutes. `work` must be safe to repeat. */
export async function retryUntilSuccess<T>(
  { timers, signal }: { readonly timers: Timers; readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (let wait = FIRST_MS; ; wait = Math.min(wait * 2, MAX_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || signal.aborted || performance.now() > deadline) throw error;
      await timers.sleep(wait, signal).catch(() => undefined);
    }
  }
}

function isTransient(error: unknown): boolean {
  return isBusError(error) || (error instanceof AppError && (error.status >= 500 || error.status === 429));
}
