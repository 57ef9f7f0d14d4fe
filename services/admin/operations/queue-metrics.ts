import { setTimeout as delay } from "node:timers/promises";
import type { Registry } from "prom-client";
import { registerGauge } from "../../../lib/observability/metrics.ts";
import { type Queues, queueNames } from "../../../lib/runtime/platform.ts";

const TIMEOUT_MS = 1_000;

/** Queues are shared, so every node of admin reports the same. */
export function registerQueueMetrics(registry: Registry, queues: Queues): void {
  registerGauge(registry, {
    name: "queue_jobs",
    help: "Jobs by queue and state; failed are the dead letters. Absent: the queue can't be read.",
    labels: ["queue", "state"],
    read: async () => (await Promise.all(queueNames.map((name) => queueSamples(queues, name)))).flat(),
  });
}

/** Absent while they can't be read: 0 would be wrong, and a failed scrape would hide all other metrics. */
async function queueSamples(queues: Queues, queue: string) {
  const none: Record<string, number> = {};
  const late = delay(TIMEOUT_MS, none, { ref: false });
  const counts = await Promise.race([queues.counts(queue).catch(() => none), late]);
  return Object.entries(counts).map(([state, count]) => [{ queue, state }, count] as const);
}
