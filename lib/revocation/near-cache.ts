import type { Clock } from "../runtime/clock.ts";

/** Reads by name of the cache, for the metrics of the process. */
export type CacheCounts = Map<string, { hits: number; misses: number }>;

export interface NearCache<V> {
  /** The cached value, or what `load` finds. `null` is never cached. Without I/O on a hit, hence not always a promise. */
  read(key: string, load: () => Promise<V | null>): V | Promise<V | null>;
}

interface CacheOptions<V> {
  /** When the value changes without a write, in milliseconds since the epoch. */
  readonly endOf?: (value: V) => number;
  /** The `groupKey` under which the value is invalidated together with others. */
  readonly groupOf?: (value: V) => string | null;
}

const GROUP_PREFIX = "all-of:";

/** Invalidating this key invalidates all values of the group. */
export function groupKey(group: string): string {
  return GROUP_PREFIX + group;
}

/** How long an invalidation blocks its key on other nodes. A writer that takes longer invalidates again. */
export const INVALIDATION_WINDOW_MS = 10_000;
const MAX_ENTRIES = 10_000;

interface Entry {
  readonly value: object;
  readonly until: number;
  readonly group: string | null;
}

/**
 * The near-caches of a process. `isUsable` says, at each read, whether every invalidation is certain to have reached this
 * process; if not, the database is read. See docs/decisions/008.
 */
export class NearCaches {
  readonly #clock: Clock;
  readonly #counts: CacheCounts;
  readonly #isUsable: () => boolean;
  readonly #stores: Map<string, Entry>[] = [];
  readonly #writes: PendingWrites;
  #clearedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, counts: CacheCounts, isUsable: () => boolean) {
    this.#clock = clock;
    this.#counts = counts;
    this.#isUsable = isUsable;
    this.#writes = new PendingWrites(clock);
  }

  open<V extends object>(name: string, ttlMs: number, options: CacheOptions<V> = {}): NearCache<V> {
    const store = new Map<string, Entry>();
    const count = { hits: 0, misses: 0 };
    this.#stores.push(store);
    this.#counts.set(name, count);
    return {
      read: (key, load) => {
        const entry = store.get(key);
        if (entry && this.#isUsable() && this.#clock.now().getTime() < entry.until) {
          count.hits++;
          return entry.value as V;
        }
        count.misses++;
        store.delete(key);
        return this.#load(store, key, load, ttlMs, options);
      },
    };
  }

  /** A write under this key, or to this group, is about to commit. Nothing is cached under it until it ends. */
  beginInvalidation(key: string, write: string): void {
    if (!this.#writes.begin(key, write)) return;
    for (const store of this.#stores) {
      store.delete(key);
      if (key.startsWith(GROUP_PREFIX)) dropGroup(store, key);
    }
  }

  endInvalidation(key: string, write: string): void {
    this.#writes.end(key, write);
  }

  clear(): void {
    this.#clearedAt = this.#clock.monotonic();
    for (const store of this.#stores) store.clear();
  }

  async #load<V extends object>(
    store: Map<string, Entry>,
    key: string,
    load: () => Promise<V | null>,
    ttlMs: number,
    { endOf = () => Number.POSITIVE_INFINITY, groupOf = () => null }: CacheOptions<V>,
  ): Promise<V | null> {
    const since = this.#clock.monotonic();
    const value = await load();
    if (value === null) return null;
    const group = groupOf(value);
    if (!this.#mayCache(key, group, since)) return value;
    if (store.size >= MAX_ENTRIES) store.delete(store.keys().next().value as string);
    const until = Math.min(this.#clock.now().getTime() + ttlMs, endOf(value));
    store.set(key, { value: Object.freeze(value), until, group });
    return value;
  }

  /** Only if nothing that was read since `since` can be from before a write. */
  #mayCache(key: string, group: string | null, since: number): boolean {
    const isSlow = this.#clock.monotonic() - since > INVALIDATION_WINDOW_MS / 2;
    if (isSlow || this.#clearedAt >= since || !this.#isUsable()) return false;
    return this.#writes.isUntouched(key, since) && (group === null || this.#writes.isUntouched(group, since));
  }
}

function dropGroup(store: Map<string, Entry>, group: string): void {
  for (const [key, entry] of store) if (entry.group === group) store.delete(key);
}

/** More than can be written to one key between two renewals of the lease. */
const MAX_ENDED_WRITES = 1_000;

interface KeyWrites {
  /** Writes that have not ended, with the time at which they stop blocking the key. */
  readonly pending: Map<string, number>;
  /** Writes that have ended. The revocation log repeats, up to a second later, what this node was told before. */
  readonly ended: Set<string>;
  changedAt: number;
}

class PendingWrites {
  readonly #clock: Clock;
  /** In the order of their latest change. */
  readonly #keys = new Map<string, KeyWrites>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False if the write has already ended here. */
  begin(key: string, write: string): boolean {
    if (this.#keys.get(key)?.ended.has(write)) return false;
    this.#touch(key).pending.set(write, this.#clock.monotonic() + INVALIDATION_WINDOW_MS);
    this.#dropOld();
    return true;
  }

  end(key: string, write: string): void {
    const { pending, ended } = this.#touch(key);
    pending.delete(write);
    ended.add(write);
    if (ended.size > MAX_ENDED_WRITES) ended.delete(ended.values().next().value as string);
  }

  /** True if no write is pending, and none began or ended since `since`. */
  isUntouched(key: string, since: number): boolean {
    const writes = this.#keys.get(key);
    if (!writes) return true;
    const now = this.#clock.monotonic();
    for (const until of writes.pending.values()) if (until > now) return false;
    return writes.changedAt < since;
  }

  #touch(key: string): KeyWrites {
    const writes = this.#keys.get(key) ?? { pending: new Map(), ended: new Set(), changedAt: 0 };
    this.#keys.delete(key);
    this.#keys.set(key, writes);
    writes.changedAt = this.#clock.monotonic();
    return writes;
  }

  #dropOld(): void {
    const before = this.#clock.monotonic() - 2 * INVALIDATION_WINDOW_MS;
    for (const [key, { changedAt }] of this.#keys) {
      if (changedAt >= before) return;
      this.#keys.delete(key);
    }
  }
}
