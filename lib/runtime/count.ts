import type { Clock } from "./clock.ts";
import { createTtlCache } from "./ttl-cache.ts";

/** A read of a count older than 10 s starts a new one, and still returns the old one if that is at most 5 minutes old. */
export const COUNT_CACHE = { ttlMs: 10_000, staleWhileRevalidateMs: 290_000 };

/** Counting so many entries of an index takes some 20 ms, counting millions a second. */
const MAX_EXACT = 100_000;

interface Count {
  readonly size: number;
  readonly countedAt: Date;
}

/**
 * Counts at each read while there are fewer than 100,000; concurrent reads share one count. More are counted as
 * `COUNT_CACHE` says. `count` stops at its argument, unless that is null.
 */
export function createCount<T extends object>(
  clock: Clock,
  count: (max: number | null) => Promise<T & Pick<Count, "size">>,
): () => Promise<T & Count> {
  const current = createTtlCache<T & Count>(clock, { ttlMs: 1 });
  const cached = createTtlCache<T & Count>(clock, COUNT_CACHE);
  const dated = async (max: number | null) => {
    const countedAt = clock.now();
    return { ...(await count(max)), countedAt };
  };
  let isLarge = false;
  return async () => {
    if (!isLarge) {
      const exact = await current.read("", () => dated(MAX_EXACT));
      if (exact.size < MAX_EXACT) return exact;
    }
    const counted = await cached.read("", () => dated(null));
    isLarge = counted.size >= MAX_EXACT;
    return counted;
  };
}
