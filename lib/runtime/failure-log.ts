import type { Logger } from "pino";
import type { Clock } from "./clock.ts";

/** Logs failures that may repeat: the first failure of a key at once, then one per minute with the number of the others. */
export interface FailureLog {
  /** Failures with the same `key` count as repetitions of one failure. */
  warn(key: string, fields: object, message: string): void;
}

interface Repetition {
  readonly loggedAt: number;
  others: number;
}

const WINDOW_MS = 60_000;
/** Keys may contain texts from outside, such as error messages, so their number is limited. */
const MAX_KEYS = 200;

export function createFailureLog(log: Logger, clock: Pick<Clock, "monotonic">): FailureLog {
  const known = new Map<string, Repetition>();
  return {
    warn(key, fields, message) {
      const now = clock.monotonic();
      const last = known.get(key);
      if (last !== undefined && now - last.loggedAt < WINDOW_MS) {
        last.others += 1;
        return;
      }
      if (known.size >= MAX_KEYS) known.clear();
      known.set(key, { loggedAt: now, others: 0 });
      const repeated = last?.others ?? 0;
      log.warn({ ...fields, ...(repeated > 0 && { repeated }) }, message);
    },
  };
}
