export interface Line {
  readonly what: string;
  readonly ours: string;
  /** What it is held against, measured in the same run. */
  readonly limit: string;
  readonly ratio?: number;
  readonly goal: string;
  readonly met: boolean;
}

const heads = ["", "ours", "limit", "ratio", "goal", ""] as const;

/** Columns that line up; figures to the right. */
export function table(lines: readonly Line[]): string {
  const rows = lines.map(({ what, ours, limit, ratio, goal, met }) => [
    what,
    ours,
    limit,
    ratio === undefined ? "" : ratio.toFixed(2),
    goal,
    met ? "" : "missed",
  ]);
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const shown = [heads, ...rows].map((row) =>
    row.map((cell, at) => (at === 0 || at > 3 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))),
  );
  return shown.map((row) => row.join("  ").trimEnd()).join("\n");
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString("en")}/s`;
export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
