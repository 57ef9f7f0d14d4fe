import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";

export interface SessionLimits {
  readonly idleSeconds: number;
  readonly maxSeconds: number;
}

export type TenantLimits = (call: Call, tenantId: string) => Promise<SessionLimits>;

const FRESH_MS = 10_000;
const TIMEOUT_MS = 500;
const MAX_CACHED_TENANTS = 10_000;

/**
 * The tenant's session lifetimes, cached for 10 s so that a refresh normally calls no other service. If users does not
 * respond, the last known values apply, or else the installation's maximum, which no tenant can exceed.
 */
export function createTenantLimits({ clock, config }: Pick<Platform, "clock" | "config">): TenantLimits {
  const cached = new Map<string, { readonly limits: SessionLimits; readonly until: number }>();
  const { refreshIdleSeconds: idleSeconds, sessionMaxSeconds: maxSeconds } = config.auth;
  return async (call, tenantId) => {
    const known = cached.get(tenantId);
    if (known && clock.monotonic() < known.until) return known.limits;
    const limits = await call("users.tenantSettings", { id: tenantId }, { timeout: TIMEOUT_MS }).then(
      (found) => ({ idleSeconds: found.refresh_idle_seconds, maxSeconds: found.session_max_seconds }),
      () => known?.limits ?? { idleSeconds, maxSeconds },
    );
    if (cached.size >= MAX_CACHED_TENANTS) cached.clear();
    cached.set(tenantId, { limits, until: clock.monotonic() + FRESH_MS });
    return limits;
  };
}
