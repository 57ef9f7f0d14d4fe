import type { Clock } from "../../lib/clock.ts";
import type { Actions } from "../../lib/mesh.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { countAll, countUsers, type UserFilter } from "./user-list.repo.ts";

export interface Counts {
  /** Of the whole installation, some 10 s old. */
  installation(): Promise<Actions["users.counts"]["result"]>;
  /** Exact up to 1,000; beyond it some 10 s old. */
  matching(filter: UserFilter): Promise<number>;
}

/** Counting 1,000 index entries takes 1 ms, counting a million half a second: too long for each page of a list. */
const EXACT = 1_000;

export function createCounts(clock: Clock, db: Database): Counts {
  const installation = keep(clock, async () => {
    const { total, inactive } = await countAll(db);
    return { total_users: total, active_users: total - inactive };
  });
  const matching = keep(clock, (filter) => countUsers(db, JSON.parse(filter) as UserFilter, null));
  return {
    installation: () => installation(""),
    async matching(filter) {
      const few = await countUsers(db, filter, EXACT);
      return few < EXACT ? few : matching(JSON.stringify(filter));
    },
  };
}

const FRESH_MS = 10_000;
const USABLE_MS = 300_000;
const MOST_KEPT = 500;

/** Asks `load` again after 10 s, while all who ask meanwhile get what is there; after 5 min they wait. No failure is kept. */
function keep<T>(clock: Clock, load: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const kept = new Map<string, { readonly at: number; readonly value: Promise<T> }>();
  return (key) => {
    const at = clock.monotonic();
    const known = kept.get(key);
    const age = known ? at - known.at : Number.POSITIVE_INFINITY;
    if (known && age <= FRESH_MS) return known.value;
    if (kept.size >= MOST_KEPT) kept.clear();
    const next = load(key);
    const usable = known && age <= USABLE_MS ? known.value : next;
    kept.set(key, { at, value: usable });
    next.then(
      () => kept.set(key, { at, value: next }),
      () => usable === next && kept.delete(key),
    );
    return usable;
  };
}
