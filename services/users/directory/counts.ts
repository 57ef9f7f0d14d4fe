import type { Actions } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { createTtlCache } from "../../../lib/runtime/ttl-cache.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { countAll, countUsers, type UserFilter } from "./user-list.repo.ts";

export interface Counts {
  /** Counts the accounts of the whole installation. The counts may be up to 5 minutes old, see `COUNT_CACHE`. */
  installation(): Promise<Actions["users.counts"]["result"]>;
  /** Exact up to 1,000. A higher count may be up to 5 minutes old, see `COUNT_CACHE`. */
  matching(filter: UserFilter): Promise<number>;
}

/** Counting 1,000 index entries takes 1 ms, counting a million half a second: too long for each page of a list. */
const MAX_EXACT = 1_000;

/** A read of a count older than 10 s starts a new one, and still returns the old one if that is at most 5 minutes old. */
const COUNT_CACHE = { ttlMs: 10_000, staleWhileRevalidateMs: 290_000 };

export function createCounts(clock: Clock, db: Database): Counts {
  const installation = createTtlCache<Actions["users.counts"]["result"]>(clock, COUNT_CACHE);
  const matching = createTtlCache<number>(clock, COUNT_CACHE);
  return {
    installation: () =>
      installation.read("", async () => {
        const { total, inactive } = await countAll(db);
        return { total_users: total, active_users: total - inactive };
      }),
    async matching(filter) {
      const few = await countUsers(db, filter, MAX_EXACT);
      return few < MAX_EXACT ? few : matching.read(JSON.stringify(filter), () => countUsers(db, filter, null));
    },
  };
}
