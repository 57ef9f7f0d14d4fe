import { registerCounter, registerGauge } from "../../../lib/observability/metrics.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { AccessTokens } from "../auth/access-token.ts";
import type { OperatorGuard } from "../auth/operator-guard.ts";
import type { Handler } from "../http/request-context.ts";

interface Sources {
  readonly platform: Platform;
  readonly guard: OperatorGuard;
  readonly tokens: Pick<AccessTokens, "stats">;
  inFlight(): number;
  isReady(): boolean;
}

/** Prometheus text of this node. */
export function metricsPage({ platform, guard, tokens: { stats }, inFlight, isReady }: Sources): Handler {
  const { registry } = platform.metrics;
  registerCounter(registry, {
    name: "access_token_checks_total",
    help: "Verified access tokens, by whether they were in the cache.",
    labels: ["cache"],
    read: () => [
      [{ cache: "hit" }, stats.hits],
      [{ cache: "miss" }, stats.misses],
    ],
  });
  registerGauge(registry, {
    name: "http_requests_in_flight",
    help: "HTTP requests without a response yet.",
    read: () => [[{}, inFlight()]],
  });
  registerGauge(registry, {
    name: "gateway_ready",
    help: "1 from the gateway's first lease until it stops.",
    read: () => [[{}, Number(isReady())]],
  });
  return async ({ request }) => {
    guard.assertDetailsAllowed(request);
    return { status: 200, contentType: registry.contentType, body: await registry.metrics() };
  };
}
