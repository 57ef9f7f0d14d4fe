import type { CacheCounts } from "./near-cache.ts";

/** Prometheus text (exposition format 0.0.4) of one metric. */
export function metric(
  type: "counter" | "gauge",
  name: string,
  help: string,
  values: ReadonlyArray<readonly [labels: string, value: number]>,
): string {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...values.map(([labels, value]) => `${name}${labels} ${value}`),
  ].join("\n");
}

/** The hit rate is hits over their sum. */
export function cacheMetrics(caches: CacheCounts): string {
  const values = [...caches].flatMap(([name, { hits, misses }]) => [
    [`{cache="${name}",result="hit"}`, hits] as const,
    [`{cache="${name}",result="miss"}`, misses] as const,
  ]);
  return metric("counter", "cache_reads_total", "Reads of what the node keeps of its own tables.", values);
}
