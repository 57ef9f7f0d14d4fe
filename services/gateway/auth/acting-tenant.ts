import type { IncomingMessage } from "node:http";
import { DEFAULT_TENANT, DEFAULT_TENANT_ID, type UserCaller } from "../../../lib/actions/caller.ts";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import { TenantSlug } from "../../../lib/actions/schemas.ts";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";

/** Where a signed-in call acts. */
export interface ActingTenants {
  /** Does the request name another tenant than the caller's own, as far as that can be told without asking? */
  isRequested(request: IncomingMessage, caller: UserCaller): boolean;
  /** The caller in the tenant that he names: his own, or another by `platform:act`. */
  enter(request: IncomingMessage, caller: UserCaller): Promise<UserCaller>;
}

const FRESH_MS = 10_000;
const MAX_KEPT = 1_000;

export function createActingTenants(clock: Clock, call: Call): ActingTenants {
  const idOf = keepIds(clock, async (slug) => (await call("users.findTenant", { slug }))?.id ?? null);
  return {
    isRequested({ headers }, { home_tenant_id }) {
      const named = headers["x-tenant"];
      return named !== undefined && !(named === DEFAULT_TENANT && home_tenant_id === DEFAULT_TENANT_ID);
    },
    async enter({ headers }, caller) {
      const slug = TenantSlug.safeParse(headers["x-tenant"]);
      const id = slug.success ? await idOf(slug.data) : null;
      if (id === caller.home_tenant_id) return caller;
      // Before what is known of the tenant: whoever may not act there learns nothing of it.
      if (!caller.permissions.includes("platform:act"))
        throw new AppError("forbidden", { message: "Your account belongs to another tenant." });
      if (id === null) throw fieldError("X-Tenant", "unknown_tenant", "is not a known tenant");
      return { ...caller, tenant_id: id };
    },
  };
}

/** A tenant's slug never changes; one that is none yet may come to be. No failure is kept. */
function keepIds(
  clock: Clock,
  load: (slug: string) => Promise<string | null>,
): (slug: string) => Promise<string | null> {
  const kept = new Map<string, { readonly id: string | null; readonly until: number }>();
  return async (slug) => {
    const known = kept.get(slug);
    if (known && clock.monotonic() < known.until) return known.id;
    const id = await load(slug);
    if (kept.size >= MAX_KEPT) kept.clear();
    if (id !== null) kept.set(slug, { id, until: clock.monotonic() + FRESH_MS });
    return id;
  };
}
