import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { version } from "../config/version.ts";
import type { CacheCounts } from "../revocation/near-cache.ts";
import { countOpenBreakers, countPendingRequests, isOnBus } from "../runtime/moleculer-internals.ts";
import { type ActionMeter, createActionMeter } from "./action-meter.ts";
import { type CallEdges, createCallEdges } from "./call-edges.ts";
import { type CallJournal, createCallJournal } from "./call-journal.ts";
import { type DurationSeries, registerDurations } from "./durations.ts";

interface PoolStatus {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Of one node: its Prometheus registry, and what its parts register here to be read at each scrape. */
export interface Metrics {
  readonly registry: Registry;
  readonly actions: ActionMeter;
  readonly edges: CallEdges;
  readonly journal: CallJournal;
  readonly caches: CacheCounts;
  readonly pools: Array<{ readonly schema: string; status(): PoolStatus }>;
  /** By service: seconds since its lease was requested; null while it has none. */
  readonly leases: Map<string, () => number | null>;
  /** Time from the commit of a revocation until no node accepts the revoked tokens. */
  readonly revocations: DurationSeries;
  /** Adds values to a gauge that several parts of a node share. Values that can't be read within a second are left out. */
  report(name: SharedGauge, read: () => readonly Sample[] | Promise<readonly Sample[]>): void;
}

export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

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

/** The metrics, by their names without the prefix `usermesh_`. */
const sharedGauges = {
  outbox_pending: { help: "Events and jobs not yet relayed, counted up to 10,000.", labels: ["service"] },
  outbox_oldest_seconds: { help: "Age of the oldest of them.", labels: ["service"] },
  event_consumer_pending: { help: "Events of a stream that a consumer has not handled yet.", labels: ["consumer"] },
  password_hashes: { help: "Password hashes by state: running, and waiting for their turn.", labels: ["state"] },
  signing_key_age_seconds: { help: "Since the key that signs access tokens began to sign.", labels: [] },
  sealed_values: {
    help: "Values under each key of the key ring; those not under the active one are still to be moved. Read once in five minutes.",
    labels: ["what", "kid", "active"],
  },
  maintenance_last_success_timestamp_seconds: {
    help: "When this worker last completed each maintenance task, in Unix time.",
    labels: ["task"],
  },
} as const;

export type SharedGauge = keyof typeof sharedGauges;

const READ_TIMEOUT_MS = 1_000;

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
  const registry = new Registry();
  const actions = createActionMeter(registry);
  const revocations = registerDurations(
    registry,
    `${PREFIX}revocation_confirm_seconds`,
    "From the commit of a revocation until no node accepts what it revokes.",
  )({});
  const report = registerSharedGauges(registry);
  const metrics: Metrics = {
    ...{ registry, actions, revocations, report },
    ...{ edges: createCallEdges(), journal: createCallJournal() },
    ...{ caches: new Map(), pools: [], leases: new Map() },
  };
  registerGauge(registry, {
    name: "build_info",
    help: "1, with the versions of this node.",
    labels: ["version", "node_version"],
    read: () => [[{ version, node_version: process.version }, 1]],
  });
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

function registerSharedGauges(registry: Registry): Metrics["report"] {
  const readers = new Map<SharedGauge, Array<() => readonly Sample[] | Promise<readonly Sample[]>>>();
  for (const [name, { help, labels }] of Object.entries(sharedGauges)) {
    const own: NonNullable<ReturnType<typeof readers.get>> = [];
    readers.set(name as SharedGauge, own);
    registerGauge(registry, {
      ...{ name, help, labels },
      read: async () => (await Promise.all(own.map(readInTime))).flat(),
    });
  }
  return (name, read) => void readers.get(name)?.push(read);
}

/** A metric that can't be read is left out, because a failed scrape would hide all the others. */
async function readInTime(read: () => readonly Sample[] | Promise<readonly Sample[]>): Promise<readonly Sample[]> {
  const none: readonly Sample[] = [];
  const late = delay(READ_TIMEOUT_MS, none, { ref: false });
  return Promise.race([Promise.resolve().then(read), late]).catch(() => none);
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

/** `natsUrl` is undefined for a process alone, which has circuit breakers all the same. */
export function registerBrokerMetrics(registry: Registry, broker: ServiceBroker, natsUrl: string | undefined): void {
  registerGauge(registry, {
    name: "circuit_breakers_open",
    help: "Endpoints (an action at a node) that this process does not call for now.",
    read: () => [[{}, countOpenBreakers(broker)]],
  });
  if (natsUrl === undefined) return;
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
