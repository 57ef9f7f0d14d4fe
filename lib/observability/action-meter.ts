import { Counter, type Registry } from "prom-client";
import { DURATION_BUCKETS, type DurationSeries, registerDurations } from "./durations.ts";

export type ActionOutcome = "ok" | "refused" | "error";

export interface ActionTotals {
  readonly calls: number;
  /** Failures of ours: an error without a status, or one of 500 and above. */
  readonly errors: number;
  /** Calls per bucket of `DURATION_BUCKETS`; the last entry counts the longer ones. */
  readonly buckets: readonly number[];
}

export interface ActionMeter {
  /** Where the calls of one action are counted, by outcome. */
  meter(action: string): Readonly<Record<ActionOutcome, DurationSeries>>;
  /** Counts a refused call by the code of its error, such as the outcomes of sign-ins. */
  refuse(action: string, code: string): void;
  /** Of all actions of this node since its start. */
  totals(): ActionTotals;
}

/** Counts and times the calls that this node answers, whether they come over the bus or from this process. */
export function createActionMeter(registry: Registry): ActionMeter {
  const create = registerDurations(
    registry,
    "usermesh_action_duration_seconds",
    "Calls of actions by outcome: ok, refused (the caller's fault, 4xx), error (ours).",
  );
  const refusals = createRefusals(registry);
  const all: DurationSeries[] = [];
  const series = (action: string, outcome: ActionOutcome) => {
    const created = create({ action, outcome });
    all.push(created);
    return created;
  };
  return {
    meter: (action) => ({
      ok: series(action, "ok"),
      refused: series(action, "refused"),
      error: series(action, "error"),
    }),
    refuse: refusals,
    totals: () => ({
      calls: countOf(all),
      errors: countOf(all.filter(({ labels }) => labels.outcome === "error")),
      buckets: Array.from({ length: DURATION_BUCKETS.length + 1 }, (_, at) =>
        sum(all.map((one) => one.buckets[at] ?? 0)),
      ),
    }),
  };
}

function createRefusals(registry: Registry): ActionMeter["refuse"] {
  const counts = new Map<string, Map<string, number>>();
  new Counter({
    name: "usermesh_action_refusals_total",
    help: "Refused calls of actions by the code of their error.",
    labelNames: ["action", "code"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [action, byCode] of counts) for (const [code, count] of byCode) this.inc({ action, code }, count);
    },
  });
  return (action, code) => {
    const byCode = counts.get(action) ?? new Map<string, number>();
    counts.set(action, byCode);
    byCode.set(code, (byCode.get(code) ?? 0) + 1);
  };
}

function countOf(series: readonly DurationSeries[]): number {
  return sum(series.flatMap(({ buckets }) => buckets));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
