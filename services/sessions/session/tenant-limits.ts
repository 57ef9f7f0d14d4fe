import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";

export interface SessionLimits {
  readonly idleSeconds: number;
  readonly maxSeconds: number;
}

export type TenantLimits = (call: Call, tenantId: string) => Promise<SessionLimits>;

const FRESH_MS = 10_000;
const TIMEOUT_MS = 500;
const MAX_KEPT = 10_000;

/**
 * How long sessions of a tenant live, at most 10 s old: a refresh waits for no other service. Where users does not answer
 * it is what was last known, or what the installation allows, which no tenant can exceed.
 */
export function createTenantLimits({ clock, config }: Pick<Platform, "clock" | "config">): TenantLimits {
  const kept = new Map<string, { readonly limits: SessionLimits; readonly until: number }>();
  const { refreshIdleSeconds: idleSeconds, sessionMaxSeconds: maxSeconds } = config.auth;
  return async (call, tenantId) => {
    const known = kept.get(tenantId);
    if (known && clock.monotonic() < known.until) return known.limits;
    const limits = await call("users.tenantSettings", { id: tenantId }, { timeout: TIMEOUT_MS }).then(
      (found) => ({ idleSeconds: found.refresh_idle_seconds, maxSeconds: found.session_max_seconds }),
      () => known?.limits ?? { idleSeconds, maxSeconds },
    );
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(tenantId, { limits, until: clock.monotonic() + FRESH_MS });
    return limits;
  };
}
