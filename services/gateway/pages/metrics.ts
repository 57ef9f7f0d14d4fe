import type { ServiceBroker } from "moleculer";
import { type ProcessStats, processMetrics } from "../../../lib/observability/process-metrics.ts";
import { metric } from "../../../lib/observability/prometheus.ts";
import { type Queues, queueNames } from "../../../lib/runtime/platform.ts";
import type { OperatorGuard } from "../auth/operator-guard.ts";
import type { HttpMetrics } from "../http-metrics.ts";
import type { Page } from "./html-page.ts";

interface Sources {
  readonly http: HttpMetrics;
  readonly guard: OperatorGuard;
  tokenHits(): number;
  tokenMisses(): number;
  inFlight(): number;
  isReady(): boolean;
  readonly figures: ProcessStats;
  readonly broker: ServiceBroker;
  readonly queues: Queues;
}

const TIMEOUT_MS = 1_000;

/** Prometheus text. Figures of the process are read when they are asked for; queues are the same at every gateway. */
export function metricsPage(sources: Sources): Page {
  return async ({ request }) => {
    sources.guard.assertAllowed(request);
    const queues = await queueJobs(sources.queues);
    const parts = [sources.http.render(), gateway(sources), processMetrics(sources.figures, sources.broker), queues];
    return { status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: `${parts.join("\n")}\n` };
  };
}

function gateway(sources: Sources): string {
  return [
    metric("counter", "access_token_checks_total", "Access tokens checked, by whether they were remembered.", [
      [`{remembered="true"}`, sources.tokenHits()],
      [`{remembered="false"}`, sources.tokenMisses()],
    ]),
    metric("gauge", "http_requests_in_flight", "Requests not yet answered.", [["", sources.inFlight()]]),
    metric("gauge", "gateway_ready", "1 once the gateway has a lease, until it stops.", [
      ["", sources.isReady() ? 1 : 0],
    ]),
  ].join("\n");
}

/** Missing while they can't be read: a 0 would be a lie, and a failed scrape would hide all the rest. */
async function queueJobs(queues: Queues): Promise<string> {
  const read = queueNames.map(async (name) => {
    const counts = await Promise.race([queues.counts(name), late()]);
    return Object.entries(counts).map(([state, n]) => [`{queue="${name}",state="${state}"}`, n] as const);
  });
  const values = (await Promise.allSettled(read)).flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  return metric("gauge", "queue_jobs", "Jobs by queue and state; failed are the dead letters.", values);
}

function late(): Promise<Record<string, number>> {
  return new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS, {}).unref());
}
