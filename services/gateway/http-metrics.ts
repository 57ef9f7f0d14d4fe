import { Counter } from "prom-client";
import { type CallJournal, stepOf } from "../../lib/observability/call-journal.ts";
import { type DurationSeries, registerDurations } from "../../lib/observability/durations.ts";
import type { Metrics } from "../../lib/observability/metrics.ts";

export type HttpMetrics = ReturnType<typeof createHttpMetrics>;

export interface RouteMetrics {
  /** The template, such as `/users/:id`; `none` for a request without a route. */
  readonly route: string;
  /** Records a response, with the correlation id of its request. */
  observe(status: number, milliseconds: number, correlationId: string): void;
}

interface RouteCounts {
  readonly labels: { readonly method: string; readonly route: string };
  readonly byStatus: Map<number, number>;
}

/** Requests are counted in plain maps, which prom-client reads at each scrape. */
export function createHttpMetrics({ registry, journal }: Pick<Metrics, "registry" | "journal">) {
  const routes: RouteCounts[] = [];
  const known = new Map<string, RouteMetrics>();
  new Counter({
    name: "http_requests_total",
    help: "HTTP requests by route and status.",
    labelNames: ["method", "route", "status"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, byStatus } of routes)
        for (const [status, count] of byStatus) this.inc({ ...labels, status: String(status) }, count);
    },
  });
  const durations = registerDurations(
    registry,
    "http_request_duration_seconds",
    "Time from the request's headers until its response is sent, or until a streamed response begins.",
  );
  const create = (method: string, route: string): RouteMetrics => {
    const counts: RouteCounts = { labels: { method, route }, byStatus: new Map() };
    routes.push(counts);
    return createRouteMetrics(counts, durations(counts.labels), journal);
  };
  return {
    /** The same for the same route: those of other services are found again whenever one of them joins or leaves. */
    route(method: string, route: string): RouteMetrics {
      const name = `${method} ${route}`;
      const metrics = known.get(name) ?? create(method, route);
      known.set(name, metrics);
      return metrics;
    },
  };
}

function createRouteMetrics(
  { byStatus, labels }: RouteCounts,
  durations: DurationSeries,
  journal: CallJournal,
): RouteMetrics {
  const name = `${labels.method} ${labels.route}`;
  return {
    route: labels.route,
    observe(status, milliseconds, correlation_id) {
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      durations.observe(milliseconds / 1_000);
      const step = { correlation_id, kind: "request", name, service: "gateway", from: "client" } as const;
      journal.add(stepOf(step, milliseconds, String(status)));
    },
  };
}
