import type { CacheCounts } from "../../../lib/near-cache.ts";
import { cacheMetrics, metric } from "../../../lib/prometheus.ts";
import type { HttpMetrics } from "../http-metrics.ts";
import type { OperatorGuard } from "../operator-guard.ts";
import type { Page } from "./page.ts";

interface Sources {
  readonly http: HttpMetrics;
  readonly guard: OperatorGuard;
  tokenHits(): number;
  tokenMisses(): number;
  inFlight(): number;
  isReady(): boolean;
  readonly caches: CacheCounts;
}

/** Prometheus text. Figures of the process are read when they are asked for. */
export function metricsPage(sources: Sources): Page {
  return ({ request }) => {
    sources.guard.refuseStrangers(request);
    return {
      status: 200,
      type: "text/plain; version=0.0.4; charset=utf-8",
      body: `${sources.http.render()}\n${renderGauges(sources)}\n`,
    };
  };
}

function renderGauges(sources: Sources): string {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return [
    cacheMetrics(sources.caches),
    metric("counter", "access_token_checks_total", "Access tokens checked, by whether they were remembered.", [
      [`{remembered="true"}`, sources.tokenHits()],
      [`{remembered="false"}`, sources.tokenMisses()],
    ]),
    metric("gauge", "http_requests_in_flight", "Requests not yet answered.", [["", sources.inFlight()]]),
    metric("gauge", "gateway_ready", "1 once the gateway has a lease, until it stops.", [
      ["", sources.isReady() ? 1 : 0],
    ]),
    metric("counter", "process_cpu_seconds_total", "User and system time.", [["", (cpu.user + cpu.system) / 1e6]]),
    metric("gauge", "process_resident_memory_bytes", "Resident memory.", [["", memory.rss]]),
    metric("gauge", "nodejs_heap_used_bytes", "JavaScript heap in use.", [["", memory.heapUsed]]),
    metric("gauge", "process_uptime_seconds", "Time since the process started.", [["", process.uptime()]]),
  ].join("\n");
}
