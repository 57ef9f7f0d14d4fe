import type { ServiceBroker } from "moleculer";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { CacheCounts } from "../revocation/near-cache.ts";
import { countOpenBreakers, countPendingRequests, isOnBus } from "../runtime/moleculer-internals.ts";

interface PoolStatus {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Of one node: its Prometheus registry, and what its parts register here to be read at each scrape. */
export interface Metrics {
  readonly registry: Registry;
  readonly caches: CacheCounts;
  readonly pools: Array<{ readonly schema: string; status(): PoolStatus }>;
  /** By service: seconds since its lease was requested; null while it has none. */
  readonly leases: Map<string, () => number | null>;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

interface MetricSpec {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface GaugeSpec extends MetricSpec {
  readonly read: () => readonly Sample[] | Promise<readonly Sample[]>;
}

export interface CounterSpec extends MetricSpec {
  /** The totals so far. */
  readonly read: () => readonly Sample[];
}

/** For the metrics that have no usual name, as `http_requests_total` and Node's own have. */
const PREFIX = "usermesh_";

/** Its values are read at each scrape. */
export function registerGauge(registry: Registry, spec: GaugeSpec): void {
  new Gauge({
    ...optionsOf(registry, spec),
    async collect() {
      const samples = await spec.read();
      this.reset();
      for (const [labels, value] of samples) this.set(labels, value);
    },
  });
}

/** Its totals are kept by the caller and read at each scrape. */
export function registerCounter(registry: Registry, spec: CounterSpec): void {
  new Counter({
    ...optionsOf(registry, spec),
    collect() {
      this.reset();
      for (const [labels, value] of spec.read()) this.inc(labels, value);
    },
  });
}

function optionsOf(registry: Registry, { name, help, labels = [] }: MetricSpec) {
  return { name: `${PREFIX}${name}`, help, labelNames: labels, registers: [registry] };
}

export function createMetrics(): Metrics {
  const metrics: Metrics = { registry: new Registry(), caches: new Map(), pools: [], leases: new Map() };
  registerCounter(metrics.registry, {
    name: "cache_requests_total",
    help: "Reads of the caches of this node by result.",
    labels: ["cache", "result"],
    read: () =>
      [...metrics.caches].flatMap(([cache, { hits, misses }]): Sample[] => [
        [{ cache, result: "hit" }, hits],
        [{ cache, result: "miss" }, misses],
      ]),
  });
  registerGauge(metrics.registry, {
    name: "db_pool_connections",
    help: "Database connections used and idle, and requests waiting for one.",
    labels: ["schema", "state"],
    read: () => poolSamples(metrics.pools),
  });
  registerGauge(metrics.registry, {
    name: "lease_age_seconds",
    help: "Time since the lease was requested; it lasts 3 s. Absent: no lease.",
    labels: ["service"],
    read: () =>
      [...metrics.leases].flatMap(([service, age]): Sample[] => {
        const seconds = age();
        return seconds === null ? [] : [[{ service }, seconds]];
      }),
  });
  return metrics;
}

/** A service may have several pools. */
function poolSamples(pools: Metrics["pools"]): Sample[] {
  return [...Map.groupBy(pools, (pool) => pool.schema)].flatMap(([schema, ofSchema]): Sample[] => {
    const statuses = ofSchema.map((pool) => pool.status());
    const sum = (key: keyof PoolStatus) => statuses.reduce((total, status) => total + status[key], 0);
    return [
      [{ schema, state: "used" }, sum("total") - sum("idle")],
      [{ schema, state: "idle" }, sum("idle")],
      [{ schema, state: "waiting" }, sum("waiting")],
    ];
  });
}

/** A process alone has no NATS, but it has circuit breakers. */
export function registerBrokerMetrics(registry: Registry, broker: ServiceBroker): void {
  registerGauge(registry, {
    name: "circuit_breakers_open",
    help: "Endpoints (an action at a node) that this process does not call for now.",
    read: () => [[{}, countOpenBreakers(broker)]],
  });
  if (!broker.transit) return;
  registerGauge(registry, {
    name: "nats_connected",
    help: "1 while connected to NATS.",
    read: () => [[{}, Number(isOnBus(broker))]],
  });
  registerGauge(registry, {
    name: "rpc_requests_pending",
    help: "Calls over NATS waiting for their response.",
    read: () => [[{}, countPendingRequests(broker)]],
  });
}

/**
 * Event loop lag, garbage collection, memory, CPU. For the process's own start: its observers can't be removed, so a
 * platform that is closed before its process ends (in a test) must not have them.
 */
export function registerProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
}
