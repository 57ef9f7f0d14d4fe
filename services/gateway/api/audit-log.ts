import type { ServiceBroker } from "moleculer";
import type { UserCaller } from "../../../lib/actions/caller.ts";
import { isError } from "../../../lib/actions/errors.ts";
import { type Actions, callAsService } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { RequestContext } from "../http/request-context.ts";
import type { ApiRoute } from "../routes.ts";

/** What the gateway alone sees, for the activity log. */
export interface AuditLog {
  /** Resolves when the act is logged in both tenants: what can't be logged is not done. */
  recordActing(exchange: RequestContext, route: ApiRoute, caller: UserCaller): Promise<void>;
  /** Notes a 403, once a minute for each user and route; nobody waits for it. */
  recordRefusal(exchange: RequestContext, route: ApiRoute, caller: UserCaller, error: unknown): void;
}

type Entry = Actions["admin.record"]["params"];
type Parts = Pick<Platform, "clock" | "random" | "log">;

const ONCE_PER_MS = 60_000;
const MAX_KEPT = 10_000;

export function createAuditLog({ clock, random, log }: Parts, broker: ServiceBroker): AuditLog {
  const noted = new Map<string, number>();
  const record = (
    exchange: RequestContext,
    entry: Pick<Entry, "action" | "tenant_id" | "actor_id" | "user_id" | "details">,
  ) =>
    callAsService(
      broker,
      "gateway",
      exchange.correlationId,
    )("admin.record", {
      id: newId(clock, random),
      at: clock.now().toISOString(),
      ip: exchange.client.ip.slice(0, 64) || null,
      ...entry,
    });
  const isNew = (key: string): boolean => {
    const now = clock.monotonic();
    if ((noted.get(key) ?? Number.NEGATIVE_INFINITY) > now - ONCE_PER_MS) return false;
    if (noted.size >= MAX_KEPT) noted.clear();
    noted.set(key, now);
    return true;
  };
  return {
    async recordActing(exchange, { method, path }, { user_id, tenant_id, home_tenant_id }) {
      const entry = { action: "platform.acted", actor_id: user_id, user_id } as const;
      const where = { method, path, home_tenant_id, acted_in: tenant_id };
      await Promise.all(
        [tenant_id, home_tenant_id].map((id) => record(exchange, { ...entry, tenant_id: id, details: where })),
      );
    },
    recordRefusal(exchange, { method, path }, { user_id, home_tenant_id }, error) {
      if (!isError(error, "forbidden", "csrf_failed") || !isNew(`${user_id} ${method} ${path}`)) return;
      const details = { method, path, code: error.type };
      const entry = { action: "request.refused", tenant_id: home_tenant_id, actor_id: user_id, user_id } as const;
      record(exchange, { ...entry, details }).catch((failure: Error) =>
        log.warn({ error: failure.message }, "recording a refused request failed"),
      );
    },
  };
}
