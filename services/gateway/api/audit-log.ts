import { LRUCache } from "lru-cache";
import type { ServiceBroker } from "moleculer";
import type { Caller, UserCaller } from "../../../lib/actions/caller.ts";
import { isError } from "../../../lib/actions/errors.ts";
import { type Actions, callAsService } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { RequestContext } from "../http/request-context.ts";
import type { GuardedRoute } from "../routes.types.ts";

type Event = Omit<Actions["admin.record"]["params"], "id" | "at" | "ip">;

const REFUSAL_INTERVAL_MS = 60_000;
const MAX_REMEMBERED_REFUSALS = 10_000;

export type AuditLog = ReturnType<typeof createAuditLog>;

/** Records in the activity log the events that only the gateway sees. */
export function createAuditLog({ clock, random, log }: Platform, broker: ServiceBroker) {
  const recentRefusals = new LRUCache<string, true>({
    max: MAX_REMEMBERED_REFUSALS,
    ttl: REFUSAL_INTERVAL_MS,
    ttlResolution: 0,
    perf: { now: clock.monotonic },
  });
  const record = ({ correlationId, client }: RequestContext, event: Event) => {
    const call = callAsService(broker, "gateway", correlationId);
    const ip = client.ip.slice(0, 64) || null;
    return call("admin.record", { id: newId(clock, random), at: clock.now().toISOString(), ip, ...event });
  };
  return {
    /**
     * Records a request that acts in another tenant, in the logs of both tenants. To be awaited before the action: a
     * request that cannot be recorded must not be carried out.
     */
    async recordForeignTenantAccess(context: RequestContext, { method, path }: GuardedRoute, caller: UserCaller) {
      const { user_id, tenant_id, home_tenant_id } = caller;
      const details = { method, path, home_tenant_id, acted_in: tenant_id };
      const event = { action: "platform.acted", actor_id: user_id, user_id, details } as const;
      await Promise.all([tenant_id, home_tenant_id].map((id) => record(context, { ...event, tenant_id: id })));
    },
    /** Records a 403 in the background, once a minute for each user and route. */
    recordRefusal(context: RequestContext, { method, path }: GuardedRoute, caller: Caller, error: unknown): void {
      if (caller.kind !== "user" || !isError(error, "forbidden", "csrf_failed")) return;
      const { user_id, home_tenant_id } = caller;
      const key = `${user_id} ${method} ${path}`;
      if (recentRefusals.has(key)) return;
      recentRefusals.set(key, true);
      const event = { action: "request.refused", tenant_id: home_tenant_id, actor_id: user_id, user_id } as const;
      record(context, { ...event, details: { method, path, code: error.type } }).catch((failure: Error) =>
        log.warn({ error: failure.message }, "recording a refused request failed"),
      );
    },
  };
}
