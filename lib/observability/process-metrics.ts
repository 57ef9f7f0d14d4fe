import type { ServiceBroker } from "moleculer";
import type { CacheCounts } from "../revocation/near-cache.ts";
import { metric } from "./prometheus.ts";

interface PoolStatus {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** What the parts of a process leave for its metrics. */
export interface ProcessStats {
  readonly caches: CacheCounts;
  readonly pools: Array<{ readonly schema: string; status(): PoolStatus }>;
  /** By service: seconds since its lease was asked for; null while it has none. */
  readonly leases: Map<string, () => number | null>;
}

export function createProcessStats(): ProcessStats {
  return { caches: new Map(), pools: [], leases: new Map() };
}

/** Prometheus text of what every process of the mesh can tell of itself, read when it is asked for. */
export function processMetrics(stats: ProcessStats, broker: ServiceBroker): string {
  return [
    cacheReads(stats.caches),
    poolConnections(stats.pools),
    leaseAges(stats.leases),
    ...bus(broker),
    ...machine(),
  ].join("\n");
}

/** The hit rate is hits over their sum. */
function cacheReads(caches: CacheCounts): string {
  const values = [...caches].flatMap(([name, { hits, misses }]) => [
    [`{cache="${name}",result="hit"}`, hits] as const,
    [`{cache="${name}",result="miss"}`, misses] as const,
  ]);
  return metric("counter", "cache_reads_total", "Reads of what the node keeps of its own tables.", values);
}

/** A service may have several pools. */
function poolConnections(pools: ProcessStats["pools"]): string {
  const bySchema = Map.groupBy(pools, (pool) => pool.schema);
  const values = [...bySchema].flatMap(([schema, its]) => {
    const states = its.map((pool) => pool.status());
    const sum = (one: keyof PoolStatus) => states.reduce((all, state) => all + state[one], 0);
    const label = (state: string) => `{schema="${schema}",state="${state}"}`;
    return [
      [label("used"), sum("total") - sum("idle")] as const,
      [label("idle"), sum("idle")] as const,
      [label("waiting"), sum("waiting")] as const,
    ];
  });
  return metric("gauge", "database_pool", "Connections in use and idle, and requests that wait for one.", values);
}

function leaseAges(leases: ProcessStats["leases"]): string {
  const values = [...leases].flatMap(([service, age]) => {
    const seconds = age();
    return seconds === null ? [] : [[`{service="${service}"}`, seconds] as const];
  });
  return metric("gauge", "lease_age_seconds", "Since the lease was asked for; it runs 3 s. Missing: none.", values);
}

/** Not in Moleculer's types. */
interface Transit {
  readonly pendingRequests: ReadonlyMap<string, unknown>;
  readonly tx: { readonly connected: boolean };
}

interface KnownAction {
  readonly endpoints?: ReadonlyArray<{ readonly state: boolean }>;
}

/** A process alone has no bus; its breakers it has all the same. */
function bus(broker: ServiceBroker): string[] {
  const transit = broker.transit as unknown as Transit | undefined;
  const actions = broker.registry.actions as unknown as { list(options: object): readonly KnownAction[] };
  const open = actions
    .list({ withEndpoints: true })
    .flatMap(({ endpoints = [] }) => endpoints.filter((one) => !one.state));
  const breakers = metric("gauge", "breakers_open", "Actions at a node that this process does not call for now.", [
    ["", open.length],
  ]);
  if (!transit) return [breakers];
  return [
    breakers,
    metric("gauge", "bus_connected", "1 while NATS is reached.", [["", transit.tx.connected ? 1 : 0]]),
    metric("gauge", "bus_requests_pending", "Calls over the bus that wait for their answer.", [
      ["", transit.pendingRequests.size],
    ]),
  ];
}

function machine(): string[] {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  return [
    metric("counter", "process_cpu_seconds_total", "User and system time.", [["", (cpu.user + cpu.system) / 1e6]]),
    metric("gauge", "process_resident_memory_bytes", "Resident memory.", [["", memory.rss]]),
    metric("gauge", "nodejs_heap_used_bytes", "JavaScript heap in use.", [["", memory.heapUsed]]),
    metric("gauge", "process_uptime_seconds", "Time since the process started.", [["", process.uptime()]]),
  ];
}
