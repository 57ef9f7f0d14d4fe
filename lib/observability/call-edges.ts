import { DURATION_BUCKETS } from "./durations.ts";

/** The calls of one service to another, as the node that answered them has counted since its start. */
export interface CallEdge {
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  /** Failures on our side, as in `ActionTotals`. */
  readonly errors: number;
  /** Calls per bucket of `DURATION_BUCKETS`; the last entry counts the longer ones. */
  readonly buckets: readonly number[];
}

export interface CallEdges {
  add(from: string, to: string, seconds: number, isError: boolean): void;
  list(): CallEdge[];
}

interface Counts {
  errors: number;
  readonly buckets: number[];
}

/** Names of callers come from the bus and could be any number: further ones are counted together. */
const MAX_CALLERS = 50;
const OTHERS = "others";

export function createCallEdges(): CallEdges {
  const edges = new Map<string, Map<string, Counts>>();
  const countsOf = (to: string, from: string): Counts => {
    const callers = edges.get(to) ?? new Map<string, Counts>();
    edges.set(to, callers);
    const name = callers.has(from) || callers.size < MAX_CALLERS ? from : OTHERS;
    const counts = callers.get(name) ?? { errors: 0, buckets: Array<number>(DURATION_BUCKETS.length + 1).fill(0) };
    callers.set(name, counts);
    return counts;
  };
  return {
    add(from, to, seconds, isError) {
      const counts = countsOf(to, from);
      const found = DURATION_BUCKETS.findIndex((limit) => seconds <= limit);
      const bucket = found < 0 ? DURATION_BUCKETS.length : found;
      counts.buckets[bucket] = (counts.buckets[bucket] as number) + 1;
      if (isError) counts.errors += 1;
    },
    list: () =>
      [...edges].flatMap(([to, callers]) =>
        [...callers].map(([from, { errors, buckets }]) => ({
          from,
          to,
          calls: buckets.reduce((sum, count) => sum + count, 0),
          errors,
          buckets: [...buckets],
        })),
      ),
  };
}
