import type { Clock } from "../runtime/clock.ts";

/** Who failed is left out for so long, as long as there is anybody else. */
const PENALTY_MS = 10_000;

export interface NodeRotation {
  next(nodes: readonly string[]): string | undefined;
  failed(node: string): void;
  succeeded(node: string): void;
}

/** Another node each time, in a circle. */
export function createNodeRotation(clock: Pick<Clock, "monotonic">): NodeRotation {
  const failures = new Map<string, number>();
  let last = "";
  return {
    next(nodes) {
      const recently = clock.monotonic() - PENALTY_MS;
      const sound = nodes.filter((node) => (failures.get(node) ?? Number.NEGATIVE_INFINITY) < recently);
      const circle = (sound.length > 0 ? sound : [...nodes]).sort();
      last = circle.find((node) => node > last) ?? circle[0] ?? last;
      return circle.length === 0 ? undefined : last;
    },
    failed: (node) => void failures.set(node, clock.monotonic()),
    succeeded: (node) => void failures.delete(node),
  };
}
