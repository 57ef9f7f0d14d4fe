import type { ServiceBroker } from "moleculer";
import { type Caller, DEFAULT_TENANT_ID, type UserCaller } from "../../../lib/actions/caller.ts";
import { type Actions, callAsService } from "../../../lib/actions/typed-call.ts";
import { createEventAggregator } from "../../../lib/observability/event-aggregator.ts";
import { registerCounter } from "../../../lib/observability/metrics.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { rateLimitKey } from "../../../lib/runtime/rate-limit-key.ts";
import type { RequestContext } from "../http/request-context.ts";
import type { GuardedRoute } from "../routes.types.ts";
import { classifyRefusal, type SecurityEvent } from "./security-events.ts";

type Entry = Omit<Actions["admin.record"]["params"], "id" | "at" | "ip">;

interface RefusalEntry {
  readonly context: RequestContext;
  readonly entry: Entry;
}

const WINDOW_MS = 60_000;
/** Users and addresses with entries of their own, per minute and gateway. */
const MAX_KEYS = 200;

export type AuditLog = ReturnType<typeof createAuditLog>;

/** Records in the activity log, and counts, the events that only the gateway sees. */
export function createAuditLog({ clock, random, timers, log, metrics }: Platform, broker: ServiceBroker) {
  const counts = createCounts(metrics.registry);
  const record = ({ correlationId, client }: Pick<RequestContext, "correlationId" | "client">, entry: Entry) => {
    const call = callAsService(broker, "gateway", correlationId);
    const ip = client.ip.slice(0, 64) || null;
    return call("admin.record", { id: newId(clock, random), at: clock.now().toISOString(), ip, ...entry });
  };
  const refusals = createEventAggregator<RefusalEntry>({
    timers,
    windowMs: WINDOW_MS,
    maxKeys: MAX_KEYS,
    emit({ context, entry }, repeated) {
      const details = { ...entry.details, ...(repeated !== undefined && { repeated }) };
      record(context, { ...entry, details }).catch((failure: Error) =>
        log.warn({ error: failure.message }, "recording a refused request failed"),
      );
    },
    anonymous: ({ context, entry: { action, tenant_id } }) => ({
      context: { ...context, client: { ...context.client, ip: "" } },
      entry: { action, tenant_id, actor_id: null, user_id: null, details: { others: true } },
    }),
  });
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
    /**
     * Counts a refusal that is a security event, and records it in the background: the first of each user or address and
     * route at once, the number of others after a minute. Who is not signed in is recorded in the log of the tenant
     * `default`, the installation's own.
     */
    recordRefusal(context: RequestContext, route: GuardedRoute, caller: Caller | null, error: unknown): void {
      const refusal = classifyRefusal(error, caller, context.request.headers.authorization);
      if (!refusal) return;
      counts.add(refusal.event, refusal.code);
      if (!refusal.isRecorded) return;
      const { method, path } = route;
      const who =
        caller?.kind === "user"
          ? { tenant_id: caller.home_tenant_id, actor_id: caller.user_id, user_id: caller.user_id }
          : { tenant_id: DEFAULT_TENANT_ID, actor_id: null, user_id: null };
      const entry = { action: refusal.event, ...who, details: { method, path, code: refusal.code } } as Entry;
      const key = [refusal.event, who.user_id ?? rateLimitKey(context.client.ip), method, path].join(" ");
      refusals.add(key, { context, entry });
    },
    /** To be called when the gateway stops. */
    flush: refusals.flush,
  };
}

function createCounts(registry: Platform["metrics"]["registry"]) {
  const totals = new Map<
    string,
    { readonly labels: { readonly event: string; readonly code: string }; count: number }
  >();
  registerCounter(registry, {
    name: "security_events_total",
    help: "Refused requests that are security events (ASVS 5.0 V16.3), also those that the activity log aggregates.",
    labels: ["event", "code"],
    read: () => [...totals.values()].map(({ labels, count }) => [labels, count] as const),
  });
  return {
    add(event: SecurityEvent, code: string): void {
      const counted = totals.get(`${event} ${code}`) ?? { labels: { event, code }, count: 0 };
      counted.count += 1;
      totals.set(`${event} ${code}`, counted);
    },
  };
}
