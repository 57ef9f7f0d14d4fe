import { setTimeout as sleep } from "node:timers/promises";

interface Patience {
  /** Milliseconds until it is given up. */
  readonly within?: number;
  /** Milliseconds between two looks. Default: more and more, because looking for long takes the processor from what is waited for. */
  readonly every?: number;
}

const SHORTEST_MS = 20;
const LONGEST_MS = 250;

/** Waits until `look` answers something, and gives it back; the error says what was waited for. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  { within = 60_000, every }: Patience = {},
): Promise<T> {
  const started = performance.now();
  const until = started + within;
  let last: unknown;
  while (performance.now() < until) {
    try {
      const found = await look();
      if (found !== undefined && found !== null && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await sleep(every ?? Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (performance.now() - started) / 10)));
  }
  throw new Error(`Not within ${within} ms: ${what}`, { cause: last });
}
