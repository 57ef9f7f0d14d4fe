import { LRUCache } from "lru-cache";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";

export interface SessionLifetimes {
  readonly idleSeconds: number;
  readonly maxSeconds: number;
}

export type LifetimesOf = (call: Call, tenantId: string) => Promise<SessionLifetimes>;

const CACHE_TTL_MS = 10_000;
const MAX_TENANTS = 10_000;
const TIMEOUT_MS = 500;

/**
 * The tenant's session lifetimes, cached so that a refresh normally calls no other service. If the users service does
 * not respond, the last known values apply, or else the installation's maximum, which no tenant can exceed.
 */
export function createSessionLifetimes({ clock, config }: Pick<Platform, "clock" | "config">): LifetimesOf {
  const { refreshIdleSeconds: idleSeconds, sessionMaxSeconds: maxSeconds } = config.auth;
  const cache = new LRUCache<string, SessionLifetimes, Call>({
    max: MAX_TENANTS,
    ttl: CACHE_TTL_MS,
    ttlResolution: 0,
    perf: { now: clock.monotonic },
    fetchMethod: (id, stale, { context: call }) =>
      call("users.tenantSettings", { id }, { timeout: TIMEOUT_MS }).then(
        (found) => ({ idleSeconds: found.refresh_idle_seconds, maxSeconds: found.session_max_seconds }),
        () => stale ?? { idleSeconds, maxSeconds },
      ),
  });
  return (call, tenantId) => cache.forceFetch(tenantId, { context: call });
}
