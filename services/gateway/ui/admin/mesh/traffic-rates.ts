import type { Traffic } from "../../app/api-types.ts";

export interface Rates {
  readonly per_second: number;
  readonly errors_per_second: number;
  /** Half of the calls, and 95 %, took at most this long in the time between the two answers; null without calls. */
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
}

interface Counted {
  readonly calls: number;
  readonly errors: number;
  readonly buckets: readonly number[];
}

/** Upper bounds of the buckets in milliseconds; the last one counts what took longer. */
const LIMITS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/** The rates between two readings: zero without an earlier one, and never negative, because a restarted node counts from zero. */
export function ratesBetween(before: Counted | undefined, now: Counted, seconds: number): Rates {
  if (before === undefined || seconds <= 0) return { per_second: 0, errors_per_second: 0, p50_ms: null, p95_ms: null };
  const grown = (one: number, other: number) => Math.max(0, one - other);
  const buckets = now.buckets.map((count, at) => grown(count, before.buckets[at] ?? 0));
  return {
    per_second: grown(now.calls, before.calls) / seconds,
    errors_per_second: grown(now.errors, before.errors) / seconds,
    p50_ms: quantile(buckets, 0.5),
    p95_ms: quantile(buckets, 0.95),
  };
}

export interface EdgeRates extends Rates {
  readonly from: string;
  readonly to: string;
}

export interface NodeRates extends Rates {
  readonly node: Traffic["nodes"][number];
}

export interface TrafficRates {
  readonly edges: readonly EdgeRates[];
  readonly nodes: readonly NodeRates[];
  readonly total: Rates;
}

export function trafficRates(before: Traffic | null, now: Traffic): TrafficRates {
  const seconds = before === null ? 0 : (Date.parse(now.at) - Date.parse(before.at)) / 1_000;
  const earlierEdges = new Map(before?.edges.map((edge) => [`${edge.from} ${edge.to}`, edge]));
  const earlierNodes = new Map(before?.nodes.map((node) => [node.id, node.stats]));
  const none: Counted = { calls: 0, errors: 0, buckets: [] };
  const edges = now.edges.map((edge) => ({
    from: edge.from,
    to: edge.to,
    // A pair that calls for the first time has counted everything since the earlier reading.
    ...ratesBetween(before === null ? undefined : (earlierEdges.get(`${edge.from} ${edge.to}`) ?? none), edge, seconds),
  }));
  const nodes = now.nodes.map((node) => ({
    node,
    ...ratesBetween(earlierNodes.get(node.id) ?? undefined, node.stats ?? none, seconds),
  }));
  const sum = (all: readonly Counted[]): Counted => ({
    calls: all.reduce((total, { calls }) => total + calls, 0),
    errors: all.reduce((total, { errors }) => total + errors, 0),
    buckets: LIMITS.concat(0).map((_, at) => all.reduce((total, { buckets }) => total + (buckets[at] ?? 0), 0)),
  });
  return {
    edges,
    nodes,
    total: ratesBetween(before === null ? undefined : sum(before.edges), sum(now.edges), seconds),
  };
}

/** A quantile, interpolated within its bucket. */
function quantile(buckets: readonly number[], part: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let rest = part * total;
  for (const [at, count] of buckets.entries()) {
    const [low, high] = [LIMITS[at - 1] ?? 0, LIMITS[at] ?? 10_000];
    if (count > 0 && rest <= count) return low + (high - low) * (rest / count);
    rest -= count;
  }
  return LIMITS.at(-1) ?? null;
}
