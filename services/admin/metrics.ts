import type { ServiceBroker } from "moleculer";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { Queues } from "../../lib/runtime/platform.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { countSignIns } from "./activity.repo.ts";
import { listQueues } from "./queues.ts";
import { openBreakers } from "./topology.ts";

type Figures = Actions["admin.metrics"]["result"];

interface Sources {
  readonly broker: ServiceBroker;
  readonly queues: Queues;
  readonly db: Database;
}

/** A figure whose service does not answer is null; the others are told all the same. */
export async function readMetrics(
  { broker, queues, db }: Sources,
  { call }: Pick<ActionContext, "call">,
): Promise<Figures> {
  const [accounts, sessions, logins, erasures, depths, breakers] = await Promise.all([
    call("users.counts", {}).catch(() => null),
    call("sessions.stats", {}).catch(() => null),
    countLogins(db).catch(() => null),
    call("users.erasureStats", {}).catch(() => null),
    listQueues(queues),
    openBreakers(broker),
  ]);
  return {
    accounts: accounts && { total: accounts.total_users, active: accounts.active_users },
    logins,
    sessions,
    erasures,
    queues: Object.fromEntries(depths.map(({ name, counts }) => [name, counts])),
    breakers: { open: breakers.length },
  };
}

async function countLogins(db: Database): Promise<NonNullable<Figures["logins"]>> {
  const { made, refused } = await countSignIns(db);
  return { last_24_hours: made, refused_last_24_hours: refused };
}
