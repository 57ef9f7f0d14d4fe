import { requireAdministrator } from "../../../lib/actions/caller.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { createTtlCache } from "../../../lib/runtime/ttl-cache.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { type ActionCount, countByDay } from "./activity.repo.ts";

type Days = Actions["admin.statistics"]["result"];

const DAYS = 30;
const DAY_MS = 86_400_000;
/** Cached, because counting a million entries takes half a second, too long for every visit of the console. */
const CACHE = { ttlMs: 60_000, staleWhileRevalidateMs: 240_000 };

/** Sign-ins and new accounts of a tenant day by day, from the activity log. */
export function createStatistics(clock: Clock, db: Database) {
  const cache = createTtlCache<Days>(clock, CACHE);
  return ({ caller }: Pick<ActionContext, "caller">): Promise<Days> => {
    const { tenant_id } = requireAdministrator(caller);
    return cache.read(tenant_id, async () => {
      const days = lastDays(clock.now());
      return fillIn(days, await countByDay(db, tenant_id, `${days[0]}T00:00:00Z`));
    });
  };
}

function lastDays(now: Date): string[] {
  return Array.from({ length: DAYS }, (_, at) =>
    new Date(now.getTime() - (DAYS - 1 - at) * DAY_MS).toISOString().slice(0, 10),
  );
}

function fillIn(days: readonly string[], counts: readonly ActionCount[]): Days {
  const byKey = new Map(counts.map(({ day, action, count }) => [`${day} ${action}`, count]));
  return days.map((day) => ({
    day,
    sign_ins: byKey.get(`${day} session.created`) ?? 0,
    refused_sign_ins: byKey.get(`${day} sign_in.refused`) ?? 0,
    accounts: byKey.get(`${day} user.created`) ?? 0,
  }));
}
