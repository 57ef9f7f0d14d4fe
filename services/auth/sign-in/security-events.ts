import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { createEventAggregator } from "../../../lib/observability/event-aggregator.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";

type Ctx = Pick<ActionContext, "call">;
type Entry = Omit<Actions["admin.record"]["params"], "id">;

export type SecurityEvents = ReturnType<typeof createSecurityEvents>;

const WINDOW_MS = 60_000;
/** Accounts and addresses with entries of their own, per minute and node. */
const MAX_KEYS = 200;

/** Records security events of auth in the activity log, in the background. */
export function createSecurityEvents({
  clock,
  random,
  timers,
  log,
}: Pick<Platform, "clock" | "random" | "timers" | "log">) {
  const record = ({ call }: Ctx, entry: Entry): void => {
    call("admin.record", { id: newId(clock, random), ...entry }, { outlivesRequest: true }).catch((failure: Error) =>
      log.warn({ error: failure.message }, "recording a security event failed"),
    );
  };
  const aggregator = createEventAggregator<{ readonly ctx: Ctx; readonly entry: Entry }>({
    timers,
    windowMs: WINDOW_MS,
    maxKeys: MAX_KEYS,
    emit: ({ ctx, entry }, repeated) =>
      record(ctx, { ...entry, details: { ...entry.details, ...(repeated !== undefined && { repeated }) } }),
    anonymous: ({ ctx, entry }) => ({
      ctx,
      entry: { ...entry, user_id: null, actor_id: null, ip: null, details: { others: true } },
    }),
  });
  return {
    record,
    /** The first of each account (or address, if there is no account) at once, the number of others after a minute. */
    aggregate: (ctx: Ctx, entry: Entry): void =>
      aggregator.add([entry.action, entry.tenant_id, entry.user_id ?? entry.ip].join(" "), { ctx, entry }),
    flush: aggregator.flush,
  };
}
