import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ActionMeter, ActionTotals } from "../../lib/observability/action-meter.ts";
import type { CallEdge } from "../../lib/observability/call-edges.ts";
import type { Metrics } from "../../lib/observability/metrics.ts";

/** Result of `$node.stats`, which every node of the mesh answers. Counts since its start. */
export interface NodeStats extends ActionTotals {
  readonly uptime_seconds: number;
  readonly memory_bytes: number;
  /** The longest delay of the event loop since the previous call. */
  readonly event_loop_lag_ms: number;
}

/** Result of `$node.traffic`: the same, and the calls by caller and the leases. */
export interface NodeTraffic extends NodeStats {
  readonly edges: readonly CallEdge[];
  /** Seconds since each service requested its lease; null without one. */
  readonly leases: ReadonlyArray<{ readonly service: string; readonly age_seconds: number | null }>;
}

const RESOLUTION_MS = 20;

interface Asked {
  readonly params: { readonly correlation_id?: unknown; readonly limit?: unknown };
}

/** Actions of `$node` that return the counters and the journal of this node to other nodes. */
export function nodeActions({ actions, edges, leases, journal }: Metrics) {
  const stats = createNodeStats(actions);
  return {
    stats,
    traffic: (): NodeTraffic => ({
      ...stats(),
      edges: edges.list(),
      leases: [...leases].map(([service, age]) => ({ service, age_seconds: age() })),
    }),
    journey: ({ params }: Asked) => journal.find(String(params.correlation_id)),
    requests: ({ params }: Asked) => journal.requests(Number(params.limit) || 0),
  };
}

/** Starts to watch the event loop at its first call, because most nodes are never asked. */
function createNodeStats(actions: ActionMeter): () => NodeStats {
  let lag: ReturnType<typeof monitorEventLoopDelay> | undefined;
  return () => {
    const longest = lag ? Math.max(0, lag.max / 1e6 - RESOLUTION_MS) : 0;
    lag ??= monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    lag.enable();
    lag.reset();
    return {
      ...actions.totals(),
      uptime_seconds: Math.round(process.uptime()),
      memory_bytes: process.memoryUsage.rss(),
      event_loop_lag_ms: Math.round(longest * 10) / 10,
    };
  };
}
