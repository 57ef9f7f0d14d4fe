import type { Call } from "../../../lib/actions/typed-call.ts";
import { version } from "../../../lib/config/version.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { createTtlCache } from "../../../lib/runtime/ttl-cache.ts";
import type { OperatorGuard } from "../auth/operator-guard.ts";
import type { Handler } from "../http/request-context.ts";
import { jsonResponse } from "../http/response.ts";
import type { MeshHealth } from "./mesh-health.ts";

export interface HealthDeps extends Pick<Platform, "config" | "clock"> {
  readonly guard: OperatorGuard;
  readonly call: Call;
  readMesh(): Promise<MeshHealth>;
  isReady(): boolean;
}

/** Limits the load on the services behind it, because anyone may request the health as often as they like. */
const HEALTH_TTL_MS = 2_000;
const TIMEOUT_MS = 1_500;

/** `GET /health`: 503 while the database, without which nothing works, is not known to work. */
export function healthPage(deps: HealthDeps): Handler {
  const cache = createTtlCache<Awaited<ReturnType<typeof readHealth>>>(deps.clock, { ttlMs: HEALTH_TTL_MS });
  return async ({ request }) => {
    const { status, ...found } = await cache.read("health", () => readHealth(deps));
    const details = { service: "usermesh", version, ...found };
    const body = { status, ...(deps.guard.allowsDetails(request) && details) };
    return ["down", "unknown"].includes(found.dependencies.database)
      ? jsonResponse(503, body, { headers: ["Retry-After", "2"] })
      : jsonResponse(200, body);
  };
}

async function readHealth({ call, readMesh }: HealthDeps) {
  const [mesh, counts, providers] = await Promise.all([
    readMesh(),
    call("users.counts", {}, { timeout: TIMEOUT_MS }).catch(() => null),
    call("auth.identityCounts", {}, { timeout: TIMEOUT_MS }).catch(() => ({})),
  ]);
  const states = Object.values(mesh.dependencies);
  // Missing figures do not degrade the health: they can be absent for some seconds after their service is back.
  const isOk = !states.includes("down") && !states.includes("unknown") && !Object.values(mesh.services).includes(0);
  return {
    status: isOk ? "ok" : "degraded",
    ...mesh,
    metrics: {
      active_users: counts?.active_users ?? null,
      total_users: counts?.total_users ?? null,
      oauth_providers: providers,
    },
  };
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
    guard.assertDetailsAllowed(request);
    const status = await call("users.databaseStatus", {}, { timeout: TIMEOUT_MS });
    return status.up ? jsonResponse(200, status) : jsonResponse(503, status, { headers: ["Retry-After", "2"] });
  };
}
