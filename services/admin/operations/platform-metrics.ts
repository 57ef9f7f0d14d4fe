import type { ServiceBroker } from "moleculer";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { Queues } from "../../../lib/runtime/platform.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { countSignIns } from "../activity/activity.repo.ts";
import { listQueues } from "./queues.ts";
import { openBreakers } from "./topology.ts";

type PlatformMetrics = Actions["admin.metrics"]["result"];

interface MetricsDeps {
  readonly broker: ServiceBroker;
  readonly queues: Queues;
  readonly db: Database;
}

/** Apart from the other metrics, which are cached, because these services know how current their counts can be. */
export async function readCounts({
  call,
}: Pick<ActionContext, "call">): Promise<Pick<PlatformMetrics, "accounts" | "sessions">> {
  const [counts, sessions] = await Promise.all([
    call("users.counts", {}).catch(() => null),
    call("sessions.stats", {}).catch(() => null),
  ]);
  const accounts = counts && {
    total: counts.total_users,
    active: counts.active_users,
    counted_at: counts.counted_at,
  };
  return { accounts, sessions };
}

/** A value is null if its service or the database does not respond. */
export async function readMetrics(
  { broker, queues, db }: MetricsDeps,
  { call }: Pick<ActionContext, "call">,
): Promise<Omit<PlatformMetrics, "accounts" | "sessions">> {
  const [signIns, erasures, queueStates, breakers] = await Promise.all([
    countSignIns(db).catch(() => null),
    call("users.erasureStats", {}).catch(() => null),
    listQueues(queues),
    openBreakers(broker),
  ]);
  return {
    logins: signIns && { last_24_hours: signIns.successful, refused_last_24_hours: signIns.refused },
    erasures,
    queues: Object.fromEntries(queueStates.map(({ name, counts }) => [name, counts])),
    breakers: { open: breakers.length },
  };
}
