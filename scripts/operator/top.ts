import { setTimeout as delay } from "node:timers/promises";
import type { Actions } from "../../lib/actions/typed-call.ts";
import { DURATION_BUCKETS } from "../../lib/observability/durations.ts";
import { counted } from "../run/terminal.ts";
import { type Output, toJson } from "./define-command.ts";
import { type MeshNode, readMesh } from "./mesh-state.ts";
import type { Operator } from "./operator.ts";
import { formatRows } from "./table.ts";

interface TopOptions {
  readonly seconds: number;
  readonly isOnce: boolean;
  readonly isJson: boolean;
}

type Mesh = Actions["admin.mesh"]["result"];

interface NodeLoad {
  readonly node: string;
  readonly calls_per_second: number;
  readonly errors_per_second: number;
  readonly p95_ms: number | null;
  readonly event_loop_lag_ms: number | null;
  readonly memory_mb: number | null;
}

const CLEAR = "\u001b[H\u001b[J";
const MAX_SECONDS = 3_600;

export async function showTop(
  operator: Operator,
  { seconds, isOnce, isJson }: TopOptions,
  signal: AbortSignal,
): Promise<Output> {
  if (!(seconds >= 0.5 && seconds <= MAX_SECONDS)) throw new Error("--interval must be 0.5 to 3600 seconds.");
  let before = await readMesh(operator);
  while (!signal.aborted) {
    const start = performance.now();
    await delay(seconds * 1_000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const now = await readMesh(operator);
    const loads = compare(before, now, (performance.now() - start) / 1_000);
    const mesh = await operator.call("admin.mesh", {}).catch(() => null);
    const leave = isOnce ? "" : "   Ctrl-C to leave";
    const screen = isJson ? toJson({ nodes: loads, mesh }) : render(operator, loads, mesh, leave);
    operator.print(`${operator.isTerminal && !isOnce && !isJson ? CLEAR : ""}${screen}`);
    if (isOnce) break;
    before = now;
  }
  return undefined;
}

/** A node that has just joined, or has restarted, counts from zero. */
export function compare(before: readonly MeshNode[], now: readonly MeshNode[], seconds: number): NodeLoad[] {
  const earlier = new Map(before.map((node) => [node.id, node.stats]));
  return now.map(({ id, stats }) => {
    const since = earlier.get(id);
    const buckets = stats?.buckets.map((count, at) => count - (since?.buckets[at] ?? 0)) ?? [];
    const rate = (key: "calls" | "errors") => Math.max(0, ((stats?.[key] ?? 0) - (since?.[key] ?? 0)) / seconds);
    return {
      node: id,
      calls_per_second: round(rate("calls")),
      errors_per_second: round(rate("errors")),
      p95_ms: quantile(buckets, 0.95),
      event_loop_lag_ms: stats?.event_loop_lag_ms ?? null,
      memory_mb: stats && Math.round(stats.memory_bytes / 1_048_576),
    };
  });
}

/** Interpolated within the bucket, in milliseconds; null without calls. */
export function quantile(buckets: readonly number[], q: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  let rest = q * total;
  for (const [at, count] of buckets.entries()) {
    const [low, high] = [DURATION_BUCKETS[at - 1] ?? 0, DURATION_BUCKETS[at] ?? DURATION_BUCKETS.at(-1) ?? 0];
    if (rest <= count) return round((low + (high - low) * (count === 0 ? 0 : rest / count)) * 1_000);
    rest -= count;
  }
  return round((DURATION_BUCKETS.at(-1) ?? 0) * 1_000);
}

function render(
  { mesh: name, columns }: Operator,
  loads: readonly NodeLoad[],
  mesh: Mesh | null,
  leave: string,
): string {
  const total = (key: "calls_per_second" | "errors_per_second") =>
    round(loads.reduce((sum, load) => sum + load[key], 0));
  const rows = loads.map((load) => ({
    node: load.node,
    "calls/s": load.calls_per_second,
    "errors/s": load.errors_per_second,
    "p95 ms": load.p95_ms,
    "lag ms": load.event_loop_lag_ms,
    mb: load.memory_mb,
  }));
  const head = `${name}   ${new Date().toISOString().slice(11, 19)} UTC${leave}`;
  const sums = `${counted(loads.length, "node")}   ${total("calls_per_second")} calls/s   ${total("errors_per_second")} errors/s   ${describeBreakers(mesh)}`;
  return [head, sums, "", formatRows(rows, columns), "", ...describeQueues(mesh)].join("\n");
}

function describeBreakers(mesh: Mesh | null): string {
  if (!mesh) return "breakers and queues unknown: no node runs admin";
  return counted(mesh.open_breakers.length, "open breaker");
}

function describeQueues(mesh: Mesh | null): string[] {
  return (mesh?.queues ?? []).map(({ name, counts }) =>
    counts
      ? `queue ${name.padEnd(12)} ${counts.waiting ?? 0} waiting, ${counts.active ?? 0} active, ${counts.delayed ?? 0} delayed, ${counts.failed ?? 0} dead`
      : `queue ${name.padEnd(12)} unavailable`,
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
