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

/** A value is null if its service or the database does not respond. */
export async function readMetrics(
  { broker, queues, db }: MetricsDeps,
  { call }: Pick<ActionContext, "call">,
): Promise<PlatformMetrics> {
  const [accounts, sessions, signIns, erasures, queueStates, breakers] = await Promise.all([
    call("users.counts", {}).catch(() => null),
    call("sessions.stats", {}).catch(() => null),
    countSignIns(db).catch(() => null),
    call("users.erasureStats", {}).catch(() => null),
    listQueues(queues),
    openBreakers(broker),
  ]);
  return {
    accounts: accounts && { total: accounts.total_users, active: accounts.active_users },
    logins: signIns && { last_24_hours: signIns.successful, refused_last_24_hours: signIns.refused },
    sessions,
    erasures,
    queues: Object.fromEntries(queueStates.map(({ name, counts }) => [name, counts])),
    breakers: { open: breakers.length },
  };
}
