import type { Actions } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { COUNT_CACHE, createCount } from "../../../lib/runtime/count.ts";
import { createTtlCache } from "../../../lib/runtime/ttl-cache.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { countAll, countUsers, type UserFilter } from "./user-list.repo.ts";

export interface Counts {
  /** The accounts of the whole installation. */
  installation(): Promise<Actions["users.counts"]["result"]>;
  /** Exact up to 1,000. A higher count may be up to 5 minutes old, see `COUNT_CACHE`. */
  matching(filter: UserFilter): Promise<number>;
}

/** Counting 1,000 index entries takes 1 ms, counting a million half a second: too long for each page of a list. */
const MAX_EXACT = 1_000;

export function createCounts(clock: Clock, db: Database): Counts {
  const countOfAll = createCount(clock, (max) => countAll(db, max));
  const matching = createTtlCache<number>(clock, COUNT_CACHE);
  return {
    async installation() {
      const { size, inactive, countedAt } = await countOfAll();
      return { total_users: size, active_users: size - inactive, counted_at: countedAt.toISOString() };
    },
    async matching(filter) {
      const few = await countUsers(db, filter, MAX_EXACT);
      return few < MAX_EXACT ? few : matching.read(JSON.stringify(filter), () => countUsers(db, filter, null));
    },
  };
}
