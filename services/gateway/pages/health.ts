import { isNodeGone } from "../../../lib/actions/bus-errors.ts";
import type { Call } from "../../../lib/actions/typed-call.ts";
import { version } from "../../../lib/config/version.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { createTtlCache } from "../../../lib/runtime/ttl-cache.ts";
import type { OperatorGuard } from "../auth/operator-guard.ts";
import type { Handler } from "../http/request-context.ts";
import { jsonResponse } from "../http/response.ts";

type State = "up" | "down" | "embedded";

export interface HealthDeps extends Pick<Platform, "config" | "clock"> {
  readonly guard: OperatorGuard;
  readonly call: Call;
  isReady(): boolean;
  isBusUp(): boolean;
  isRedisUp(): boolean;
}

/** Limits the load on the services behind it, because anyone may request the health as often as they like. */
const HEALTH_TTL_MS = 2_000;
const TIMEOUT_MS = 1_500;

/** `GET /health`. The gateway has no database connection, so it asks users, without which nothing works. */
export function healthPage(deps: HealthDeps): Handler {
  const readDatabaseState = createDatabaseProbe(deps);
  const cache = createTtlCache<Awaited<ReturnType<typeof readHealth>>>(deps.clock, { ttlMs: HEALTH_TTL_MS });
  return async ({ request }) => {
    const { status, dependencies, metrics } = await cache.read("health", () => readHealth(deps, readDatabaseState));
    const details = { service: "usermesh", version, dependencies, metrics };
    const body = { status, ...(deps.guard.allowsDetails(request) && details) };
    return dependencies.database === "down"
      ? jsonResponse(503, body, { headers: ["Retry-After", "2"] })
      : jsonResponse(200, body);
  };
}

async function readHealth(deps: HealthDeps, readDatabaseState: () => Promise<State>) {
  const { call, config } = deps;
  const [database, counts, providers] = await Promise.all([
    readDatabaseState(),
    call("users.counts", {}, { timeout: TIMEOUT_MS }).catch(() => null),
    call("auth.identityCounts", {}, { timeout: TIMEOUT_MS }).catch(() => ({})),
  ]);
  const dependencies = {
    database,
    redis: stateOf(config.redis.url, deps.isRedisUp()),
    nats: stateOf(config.nats.url, deps.isBusUp()),
  };
  const isOk = counts !== null && !Object.values(dependencies).includes("down");
  return {
    status: isOk ? "ok" : "degraded",
    dependencies,
    metrics: {
      active_users: counts?.active_users ?? null,
      total_users: counts?.total_users ?? null,
      oauth_providers: providers,
    },
  };
}

/**
 * While no node of users can be reached, the database keeps its last known state: the bus has failed, not the database.
 * The bus error is the thrown one, or the cause of the `AppError` it was translated to.
 */
function createDatabaseProbe({ call, config }: HealthDeps): () => Promise<State> {
  const upState: State = config.database.embedded ? "embedded" : "up";
  let last: State = "down";
  return async () => {
    try {
      const { up } = await call("users.databaseStatus", {}, { timeout: TIMEOUT_MS });
      last = up ? upState : "down";
    } catch (error) {
      if (!isNodeGone(error) && !isNodeGone((error as Error).cause)) last = "down";
    }
    return last;
  };
}

function stateOf(url: string | undefined, isUp: boolean): State {
  if (url === undefined) return "embedded";
  return isUp ? "up" : "down";
}

/** Asks no other service: if it did, Kubernetes would restart every gateway while the database is down. */
export const livePage: Handler = () => jsonResponse(200, { status: "ok" });

export function readyPage({ isReady }: Pick<HealthDeps, "isReady">): Handler {
  return () =>
    isReady()
      ? jsonResponse(200, { status: "ready" })
      : jsonResponse(503, { status: "not_ready" }, { headers: ["Retry-After", "1"] });
}

export function databaseStatusPage({ call, guard }: Pick<HealthDeps, "call" | "guard">): Handler {
  return async ({ request }) => {
    guard.assertAllowed(request);
    const status = await call("users.databaseStatus", {}, { timeout: TIMEOUT_MS });
    return status.up ? jsonResponse(200, status) : jsonResponse(503, status, { headers: ["Retry-After", "2"] });
  };
}
