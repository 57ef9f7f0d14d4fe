export interface Line {
  readonly what: string;
  readonly ours: string;
  /** What it is held against, measured in the same run. */
  readonly limit: string;
  readonly ratio?: number;
  /** A run with a ratio below this fails, on any machine. */
  readonly floor?: number;
  /** p50 / p99 / p99.9 */
  readonly latency?: string;
  readonly goal: string;
  readonly met: boolean;
}

const columns: ReadonlyArray<{ readonly head: string; readonly isText?: boolean; of(line: Line): string }> = [
  { head: "", isText: true, of: ({ what }) => what },
  { head: "ours", of: ({ ours }) => ours },
  { head: "p50 / p99 / p99.9", of: ({ latency = "" }) => latency },
  { head: "limit", of: ({ limit }) => limit },
  { head: "ratio", of: ({ ratio }) => ratio?.toFixed(2) ?? "" },
  { head: "goal", isText: true, of: ({ goal }) => goal },
  { head: "", isText: true, of: ({ met }) => (met ? "" : "missed") },
];

/** Columns that line up; figures to the right. `before` are the lines of an earlier run. */
export function table(lines: readonly Line[], before?: readonly Line[]): string {
  const earlier = new Map(before?.map((line) => [line.what, line]));
  const shown = before ? [...columns, { head: "before", of: ({ what }: Line) => briefly(earlier.get(what)) }] : columns;
  const texts = shown.map(({ head, isText, of }) => {
    const cells = [head, ...lines.map(of)];
    const width = Math.max(...cells.map((cell) => cell.length));
    return cells.map((cell) => (isText ? cell.padEnd(width) : cell.padStart(width)));
  });
  const rowAt = (at: number) =>
    texts
      .map((column) => column[at])
      .join("  ")
      .trimEnd();
  return Array.from({ length: lines.length + 1 }, (_, at) => rowAt(at)).join("\n");
}

function briefly(line: Line | undefined): string {
  if (!line) return "";
  return line.ratio === undefined ? line.ours : `${line.ours} (${line.ratio.toFixed(2)})`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString("en")}/s`;
export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
