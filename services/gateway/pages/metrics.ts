import { setTimeout as delay } from "node:timers/promises";
import { registerCounter, registerGauge } from "../../../lib/observability/metrics.ts";
import { type Platform, type Queues, queueNames } from "../../../lib/runtime/platform.ts";
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

const TIMEOUT_MS = 1_000;

/** Prometheus text of this node. Queues are shared, so they are the same at every gateway. */
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
  registerGauge(registry, {
    name: "queue_jobs",
    help: "Jobs by queue and state; failed are the dead letters. Absent: the queue can't be read.",
    labels: ["queue", "state"],
    read: async () => (await Promise.all(queueNames.map((name) => queueSamples(platform.queues, name)))).flat(),
  });
  return async ({ request }) => {
    guard.assertAllowed(request);
    return { status: 200, contentType: registry.contentType, body: await registry.metrics() };
  };
}

/** Absent while they can't be read: 0 would be wrong, and a failed scrape would hide all other metrics. */
async function queueSamples(queues: Queues, queue: string) {
  const none: Record<string, number> = {};
  const late = delay(TIMEOUT_MS, none, { ref: false });
  const counts = await Promise.race([queues.counts(queue).catch(() => none), late]);
  return Object.entries(counts).map(([state, count]) => [{ queue, state }, count] as const);
}
