import type { Clock } from "./clock.ts";

export interface TtlCache<T> {
  /** Asks `load` again once the value is older than `freshMs`. No failure is kept. */
  read(key: string, load: () => Promise<T>): Promise<T>;
}

interface KeptOptions {
  readonly freshMs: number;
  /** Until this age the old value is good for all who ask while it is loaded anew; beyond it they wait. */
  readonly usableMs?: number;
}

const MOST = 500;

/** For figures that cost more than they are worth at each request: of all who ask at once, one loads. */
export function createTtlCache<T>(clock: Clock, { freshMs, usableMs = freshMs }: KeptOptions): TtlCache<T> {
  const kept = new Map<string, { readonly at: number; readonly value: Promise<T> }>();
  return {
    read(key, load) {
      const at = clock.monotonic();
      const known = kept.get(key);
      const age = known ? at - known.at : Number.POSITIVE_INFINITY;
      if (known && age <= freshMs) return known.value;
      if (kept.size >= MOST) kept.clear();
      const next = load();
      const usable = known && age <= usableMs ? known.value : next;
      kept.set(key, { at, value: usable });
      next.then(
        () => kept.set(key, { at, value: next }),
        () => usable === next && kept.delete(key),
      );
      return usable;
    },
  };
}
