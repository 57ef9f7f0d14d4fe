import { Counter, type Metric, type Registry } from "prom-client";

export type HttpMetrics = ReturnType<typeof createHttpMetrics>;

export interface RouteMetrics {
  observe(status: number, milliseconds: number): void;
}

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface RouteCounts {
  readonly labels: { readonly method: string; readonly route: string };
  readonly byStatus: Map<number, number>;
  /** The number of requests in each bucket alone; the last element counts requests longer than all buckets. */
  readonly byDuration: number[];
  sumSeconds: number;
}

/** Requests are counted in plain arrays, which prom-client reads at each scrape: its own histogram costs 4 µs a request. */
export function createHttpMetrics(registry: Registry) {
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
  registry.registerMetric(createDurationHistogram(routes) as unknown as Metric);
  return {
    /** The same for the same route: those of other services are found again whenever one of them joins or leaves. */
    route(method: string, route: string): RouteMetrics {
      const name = `${method} ${route}`;
      const metrics = known.get(name) ?? createRouteMetrics(routes, method, route);
      known.set(name, metrics);
      return metrics;
    },
  };
}

function createRouteMetrics(routes: RouteCounts[], method: string, route: string): RouteMetrics {
  const byDuration = Array<number>(BUCKETS_SECONDS.length + 1).fill(0);
  const counts: RouteCounts = { labels: { method, route }, byStatus: new Map(), byDuration, sumSeconds: 0 };
  routes.push(counts);
  return {
    observe(status, milliseconds) {
      const seconds = milliseconds / 1_000;
      counts.byStatus.set(status, (counts.byStatus.get(status) ?? 0) + 1);
      counts.sumSeconds += seconds;
      let bucket = 0;
      while (bucket < BUCKETS_SECONDS.length && seconds > (BUCKETS_SECONDS[bucket] as number)) bucket += 1;
      byDuration[bucket] = (byDuration[bucket] as number) + 1;
    },
  };
}

const DURATION_METRIC = "http_request_duration_seconds";

/** What prom-client's registry reads of a histogram. */
function createDurationHistogram(routes: readonly RouteCounts[]) {
  return {
    name: DURATION_METRIC,
    help: "Time from the request's headers until its response is sent, or until a streamed response begins.",
    type: "histogram",
    aggregator: "sum",
    reset: () => undefined,
    async get() {
      const used = routes.filter(({ byStatus }) => byStatus.size > 0);
      return {
        name: DURATION_METRIC,
        help: this.help,
        type: this.type,
        aggregator: this.aggregator,
        values: used.flatMap(samplesOf),
      };
    },
  };
}

function samplesOf({ labels, byDuration, sumSeconds }: RouteCounts) {
  let total = 0;
  const buckets = byDuration.map((count, index) => {
    total += count;
    return {
      labels: { ...labels, le: BUCKETS_SECONDS[index] ?? "+Inf" },
      value: total,
      metricName: `${DURATION_METRIC}_bucket`,
    };
  });
  return [
    ...buckets,
    { labels, value: sumSeconds, metricName: `${DURATION_METRIC}_sum` },
    { labels, value: total, metricName: `${DURATION_METRIC}_count` },
  ];
}
