import { setTimeout as sleep } from "node:timers/promises";

interface Patience {
  /** Milliseconds until it is given up. */
  readonly within?: number;
  readonly every?: number;
}

/** Waits until `look` answers something, and gives it back; the error says what was waited for. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  { within = 60_000, every = 20 }: Patience = {},
): Promise<T> {
  const until = performance.now() + within;
  let last: unknown;
  while (performance.now() < until) {
    try {
      const found = await look();
      if (found !== undefined && found !== null && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await sleep(every);
  }
  throw new Error(`Not within ${within} ms: ${what}`, { cause: last });
}
