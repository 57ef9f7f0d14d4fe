import { isNodeGone } from "../../../lib/actions/bus-errors.ts";
import type { Call } from "../../../lib/actions/typed-call.ts";
import type { Config } from "../../../lib/config/config.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { OperatorGuard } from "../auth/operator-guard.ts";
import { jsonResponse } from "../http/response.ts";
import type { Page } from "./html-page.ts";

type State = "up" | "down" | "embedded";

export interface HealthDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly version: string;
  readonly guard: OperatorGuard;
  readonly call: Call;
  isReady(): boolean;
  isBusUp(): boolean;
  isRedisUp(): boolean;
}

interface Health {
  readonly status: "ok" | "degraded";
  readonly dependencies: { readonly database: State; readonly redis: State; readonly nats: State };
  readonly metrics: {
    readonly active_users: number | null;
    readonly total_users: number | null;
    readonly oauth_providers: Readonly<Record<string, number>>;
  };
}

const KEPT_MS = 2_000;
const TIMEOUT_MS = 1_500;

/** `GET /health`. The gateway has no database: it asks users, the one service that nothing works without. */
export function healthPage(deps: HealthDeps): Page {
  const database = createDatabaseLook(deps);
  const look = remembered(deps.clock, () => readHealth(deps, database));
  return async (exchange) => {
    const { status, dependencies, metrics } = await look();
    const code = dependencies.database === "down" ? 503 : 200;
    const shown = deps.guard.allowsDetails(exchange.request)
      ? { service: "usermesh", version: deps.version, dependencies, metrics }
      : {};
    return jsonResponse(code, { status, ...shown }, code === 503 ? { headers: ["Retry-After", "2"] } : {});
  };
}

async function readHealth(deps: HealthDeps, look: () => Promise<State>): Promise<Health> {
  const [database, counts, identities] = await Promise.all([look(), countUsers(deps), countIdentities(deps)]);
  const { config } = deps;
  const dependencies = {
    database,
    redis: stateOf(config.redis.url, deps.isRedisUp()),
    nats: stateOf(config.nats.url, deps.isBusUp()),
  };
  const isWhole = counts !== null && !Object.values(dependencies).includes("down");
  return {
    status: isWhole ? "ok" : "degraded",
    dependencies,
    metrics: {
      active_users: counts?.active_users ?? null,
      total_users: counts?.total_users ?? null,
      oauth_providers: identities,
    },
  };
}

/** As it was last seen while there is nobody to ask: with the bus away it is the bus that is down. */
function createDatabaseLook({ call, config }: HealthDeps): () => Promise<State> {
  const well: State = config.database.embedded ? "embedded" : "up";
  let last: State = "down";
  return async () => {
    try {
      const { up } = await call("users.databaseStatus", {}, { timeout: TIMEOUT_MS });
      last = up ? well : "down";
    } catch (error) {
      if (!isNodeGone(error) && !isNodeGone((error as Error).cause)) last = "down";
    }
    return last;
  };
}

async function countUsers({ call }: HealthDeps): Promise<{ active_users: number; total_users: number } | null> {
  return call("users.counts", {}, { timeout: TIMEOUT_MS }).catch(() => null);
}

async function countIdentities({ call }: HealthDeps): Promise<Record<string, number>> {
  return call("auth.identityCounts", {}, { timeout: TIMEOUT_MS }).catch(() => ({}));
}

function stateOf(url: string | undefined, isUp: boolean): State {
  if (url === undefined) return "embedded";
  return isUp ? "up" : "down";
}

/** Anyone may ask for health as often as he likes; the services behind it are asked once in a while. */
function remembered<T>(clock: Clock, read: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; readonly until: number } | undefined;
  return () => {
    if (!kept || clock.monotonic() >= kept.until) kept = { value: read(), until: clock.monotonic() + KEPT_MS };
    return kept.value;
  };
}

/** The process answers: nothing else is asked, or a dead database would have Kubernetes restart every gateway. */
export const livePage: Page = () => jsonResponse(200, { status: "ok" });

export function readyPage({ isReady }: Pick<HealthDeps, "isReady">): Page {
  return () =>
    isReady()
      ? jsonResponse(200, { status: "ready" })
      : jsonResponse(503, { status: "not_ready" }, { headers: ["Retry-After", "1"] });
}

export function databaseStatusPage({ call, guard }: Pick<HealthDeps, "call" | "guard">): Page {
  return async ({ request }) => {
    guard.assertAllowed(request);
    const status = await call("users.databaseStatus", {}, { timeout: TIMEOUT_MS });
    return jsonResponse(status.up ? 200 : 503, status, status.up ? {} : { headers: ["Retry-After", "2"] });
  };
}
