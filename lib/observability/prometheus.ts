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
