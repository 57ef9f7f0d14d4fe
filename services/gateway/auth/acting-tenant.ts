import type { IncomingMessage } from "node:http";
import { LRUCache } from "lru-cache";
import { type Caller, DEFAULT_TENANT, DEFAULT_TENANT_ID, type UserCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import { TenantSlug } from "../../../lib/actions/schemas.ts";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";

/**
 * Moves a user into the tenant that `X-Tenant` names: their own, or with `platform:act` any other. Rejects with 403, or
 * 422 for an unknown tenant.
 */
export type EnterTenant = (request: IncomingMessage, caller: Caller) => Caller | Promise<Caller>;

const TENANT_TTL_MS = 10_000;
const MAX_TENANTS = 1_000;

export function createEnterTenant(clock: Clock, call: Call): EnterTenant {
  // Only existing tenants are cached, because an unknown slug may be taken any time. A tenant can be deleted, so not for long.
  const tenantIds = new LRUCache<string, string>({
    max: MAX_TENANTS,
    ttl: TENANT_TTL_MS,
    ttlResolution: 0,
    perf: { now: clock.monotonic },
    fetchMethod: async (slug) => (await call("users.findTenant", { slug }))?.id,
  });
  return ({ headers }, caller) => {
    const named = headers["x-tenant"];
    if (caller.kind !== "user" || named === undefined) return caller;
    if (named === DEFAULT_TENANT && caller.home_tenant_id === DEFAULT_TENANT_ID) return caller;
    return enter(tenantIds, named, caller);
  };
}

async function enter(ids: LRUCache<string, string>, named: string | string[], caller: UserCaller): Promise<UserCaller> {
  const slug = TenantSlug.safeParse(named);
  const id = slug.success ? await ids.fetch(slug.data) : undefined;
  if (id === caller.home_tenant_id) return caller;
  // The next check reveals whether a tenant exists, so callers without the permission are refused before it.
  if (!caller.permissions.includes("platform:act"))
    throw new AppError("forbidden", { message: "Your account belongs to another tenant." });
  if (id === undefined) throw fieldError("X-Tenant", "unknown_tenant", "is not a known tenant");
  return { ...caller, tenant_id: id };
}
