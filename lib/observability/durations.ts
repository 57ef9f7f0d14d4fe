import type { Metric, Registry } from "prom-client";

/** Seconds. From a read that a cache answers to a timeout. */
export const DURATION_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

type Labels = Readonly<Record<string, string>>;

export interface DurationSeries {
  readonly labels: Labels;
  /** The number of durations in each bucket alone; the last element counts those longer than all buckets. */
  readonly buckets: readonly number[];
  readonly sumSeconds: number;
  observe(seconds: number): void;
}

/**
 * A histogram that counts in plain arrays, which prom-client reads at each scrape: its own costs 4 µs per duration. The
 * result creates a series; one that has counted nothing is not shown.
 */
export function registerDurations(registry: Registry, name: string, help: string): (labels: Labels) => DurationSeries {
  const all: DurationSeries[] = [];
  const histogram = {
    ...{ name, help, type: "histogram", aggregator: "sum" },
    reset: () => undefined,
    get: async () => ({ name, help, type: "histogram", aggregator: "sum", values: all.flatMap(samplesOf(name)) }),
  };
  registry.registerMetric(histogram as unknown as Metric);
  return (labels) => {
    const series = createSeries(labels);
    all.push(series);
    return series;
  };
}

function createSeries(labels: Labels): DurationSeries {
  const buckets = Array<number>(DURATION_BUCKETS.length + 1).fill(0);
  let sumSeconds = 0;
  return {
    labels,
    buckets,
    get sumSeconds() {
      return sumSeconds;
    },
    observe(seconds) {
      sumSeconds += seconds;
      let bucket = 0;
      while (bucket < DURATION_BUCKETS.length && seconds > (DURATION_BUCKETS[bucket] as number)) bucket += 1;
      buckets[bucket] = (buckets[bucket] as number) + 1;
    },
  };
}

function samplesOf(name: string) {
  return ({ labels, buckets, sumSeconds }: DurationSeries) => {
    let total = 0;
    const samples = buckets.map((count, index) => {
      total += count;
      return {
        labels: { ...labels, le: DURATION_BUCKETS[index] ?? "+Inf" },
        value: total,
        metricName: `${name}_bucket`,
      };
    });
    if (total === 0) return [];
    return [
      ...samples,
      { labels, value: sumSeconds, metricName: `${name}_sum` },
      { labels, value: total, metricName: `${name}_count` },
    ];
  };
}
