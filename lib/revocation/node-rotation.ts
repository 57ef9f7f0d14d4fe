import type { Clock } from "../runtime/clock.ts";

/** A node that failed is skipped for this long, as long as there is another one. */
const PENALTY_MS = 10_000;

export interface NodeRotation {
  /** Undefined if `nodes` is empty. */
  next(nodes: readonly string[]): string | undefined;
  recordFailure(node: string): void;
  recordSuccess(node: string): void;
}

/** Round-robin over the nodes in alphabetical order. */
export function createNodeRotation(clock: Pick<Clock, "monotonic">): NodeRotation {
  const failedAt = new Map<string, number>();
  let last = "";
  return {
    next(nodes) {
      const penaltyEnd = clock.monotonic() - PENALTY_MS;
      const healthy = nodes.filter((node) => (failedAt.get(node) ?? Number.NEGATIVE_INFINITY) < penaltyEnd);
      const candidates = (healthy.length > 0 ? healthy : [...nodes]).sort();
      last = candidates.find((node) => node > last) ?? candidates[0] ?? last;
      return candidates.length === 0 ? undefined : last;
    },
    recordFailure: (node) => void failedAt.set(node, clock.monotonic()),
    recordSuccess: (node) => void failedAt.delete(node),
  };
}
