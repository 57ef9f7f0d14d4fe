import type { Clock } from "../runtime/clock.ts";

/** How often a cache had the answer. By name, for the metrics of the process. */
export type CacheCounts = Map<string, { hits: number; misses: number }>;

export interface NearCache<V> {
  /** What is kept, or what `load` finds. A miss is kept, unless a write was announced since it began. */
  read(key: string, load: () => Promise<V | null>): V | Promise<V | null>;
}

export interface NearCaches {
  open<V extends object>(name: string, ttlMs: number, options?: CacheOptions<V>): NearCache<V>;
  /** A write of this key, or group, is about to commit: nothing is kept of it until it is settled, or INVALIDATION_WINDOW_MS have passed. */
  beginInvalidation(key: string, write: string): void;
  endInvalidation(key: string, write: string): void;
  clear(): void;
}

interface CacheOptions<V> {
  /** When it stops being true by itself, in ms. */
  readonly endOf?: (value: V) => number;
  /** The `groupKey` of what is written all at once. */
  readonly groupOf?: (value: V) => string | null;
}

const GROUP = "all-of:";

/** Announced instead of a key, it stands for the keys of all values of the group. */
export function groupKey(group: string): string {
  return GROUP + group;
}

/** Longer than a writer may take from the announcement to its commit, or it announces again. */
export const INVALIDATION_WINDOW_MS = 10_000;
const KEPT = 10_000;
/** Of one key: more than can be written between two readings of the feed. */
const KEPT_WRITES = 1_000;

interface Entry<V> {
  readonly value: V;
  readonly until: number;
  readonly group: string | null;
}

const never = (): number => Number.POSITIVE_INFINITY;
const alone = (): null => null;

/** Writes of one key that are announced and not settled, and when that last changed. */
interface Writes {
  readonly open: Map<string, number>;
  /** The feed tells again, up to a second later, what this node was told before. */
  readonly settled: Set<string>;
  changedAt: number;
}

/**
 * What a node keeps of its own tables. `isUsable` says at each look whether every announcement is sure to have reached
 * this process: where it is not, the database is read. See docs/decisions/008.
 */
export function createNearCaches(clock: Clock, counts: CacheCounts, isUsable: () => boolean): NearCaches {
  const stores: Map<string, Entry<unknown>>[] = [];
  const writes = new Map<string, Writes>();
  let clearedAt = Number.NEGATIVE_INFINITY;

  const touch = (key: string): Writes => {
    const known = writes.get(key) ?? { open: new Map(), settled: new Set(), changedAt: 0 };
    // Set anew, so that the map stays in the order of its changes.
    writes.delete(key);
    writes.set(key, known);
    known.changedAt = clock.monotonic();
    return known;
  };
  const isUntouched = (key: string, since: number): boolean => {
    const known = writes.get(key);
    if (!known) return true;
    const now = clock.monotonic();
    for (const until of known.open.values()) if (until > now) return false;
    return known.changedAt < since;
  };
  const mayKeep = (key: string, group: string | null, since: number): boolean => {
    if (!isUsable() || clearedAt >= since || clock.monotonic() - since > INVALIDATION_WINDOW_MS / 2) return false;
    return isUntouched(key, since) && (group === null || isUntouched(group, since));
  };
  const forgetOldWrites = (): void => {
    const before = clock.monotonic() - 2 * INVALIDATION_WINDOW_MS;
    for (const [key, { changedAt }] of writes) {
      if (changedAt >= before) return;
      writes.delete(key);
    }
  };
  return {
    open<V extends object>(name: string, ttlMs: number, options: CacheOptions<V> = {}): NearCache<V> {
      const { endOf = never, groupOf = alone } = options;
      const kept = new Map<string, Entry<V>>();
      const count = { hits: 0, misses: 0 };
      stores.push(kept);
      counts.set(name, count);
      const load = async (key: string, read: () => Promise<V | null>): Promise<V | null> => {
        const since = clock.monotonic();
        const value = await read();
        if (value === null) return value;
        const group = groupOf(value);
        if (!mayKeep(key, group, since)) return value;
        const now = clock.now().getTime();
        if (kept.size >= KEPT) kept.delete(kept.keys().next().value as string);
        kept.set(key, { value: Object.freeze(value), until: Math.min(now + ttlMs, endOf(value)), group });
        return value;
      };
      return {
        read(key, read) {
          const entry = kept.get(key);
          if (entry && isUsable() && clock.now().getTime() < entry.until) {
            count.hits++;
            return entry.value;
          }
          count.misses++;
          kept.delete(key);
          return load(key, read);
        },
      };
    },
    beginInvalidation(key, write) {
      if (writes.get(key)?.settled.has(write)) return;
      touch(key).open.set(write, clock.monotonic() + INVALIDATION_WINDOW_MS);
      for (const store of stores) drop(store, key);
      forgetOldWrites();
    },
    endInvalidation(key, write) {
      const known = touch(key);
      known.open.delete(write);
      known.settled.add(write);
      if (known.settled.size > KEPT_WRITES) known.settled.delete(known.settled.values().next().value as string);
    },
    clear() {
      clearedAt = clock.monotonic();
      for (const store of stores) store.clear();
    },
  };
}

function drop(store: Map<string, Entry<unknown>>, key: string): void {
  store.delete(key);
  if (!key.startsWith(GROUP)) return;
  for (const [kept, { group }] of store) if (group === key) store.delete(kept);
}
