import { LRUCache } from "lru-cache";
import type { Clock } from "./clock.ts";

export interface TtlCache<V> {
  /** The cached value, or what `load` returns. Concurrent reads of a key share one load; a failed load is not cached. */
  read(key: string, load: () => Promise<V>): Promise<V>;
}

interface TtlCacheOptions {
  readonly ttlMs: number;
  /** How long after `ttlMs` the old value is still returned while a new one is loaded. Default: reads wait for the load. */
  readonly staleWhileRevalidateMs?: number;
}

const MAX_ENTRIES = 500;

/** For values that are too expensive to compute for each request. */
export function createTtlCache<V extends object | number>(
  clock: Pick<Clock, "monotonic">,
  { ttlMs, staleWhileRevalidateMs = 0 }: TtlCacheOptions,
): TtlCache<V> {
  const cache = new LRUCache<string, V, () => Promise<V>>({
    max: MAX_ENTRIES,
    ttl: ttlMs,
    ttlResolution: 0,
    perf: { now: clock.monotonic },
    noDeleteOnFetchRejection: true,
    fetchMethod: (_key, _stale, { context: load }) => load(),
  });
  return {
    read: (key, load) =>
      cache.forceFetch(key, { context: load, allowStale: cache.getRemainingTTL(key) > -staleWhileRevalidateMs }),
  };
}
