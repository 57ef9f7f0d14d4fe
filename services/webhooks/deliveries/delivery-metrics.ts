import { registerCounter } from "../../../lib/observability/metrics.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";

/** By outcome of the attempts: `delivered`, `failed`, `given_up`, `skipped` and `postponed`. */
export function createDeliveryCounter(registry: Platform["metrics"]["registry"]): (outcome: string) => void {
  const totals = new Map<string, number>();
  registerCounter(registry, {
    name: "webhook_deliveries_total",
    help: "Attempts to deliver a webhook message by outcome.",
    labels: ["outcome"],
    read: () => [...totals].map(([outcome, count]) => [{ outcome }, count] as const),
  });
  return (outcome) => void totals.set(outcome, (totals.get(outcome) ?? 0) + 1);
}
