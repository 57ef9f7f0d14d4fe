import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { config } from "../app/config.ts";
import { formatNumber, t } from "../app/messages.ts";

interface Series {
  readonly name: string;
  readonly tone: "accent" | "danger";
  readonly values: readonly number[];
}

interface DayChartProps {
  readonly label: string;
  /** ISO dates, one after another. */
  readonly days: readonly string[];
  readonly series: readonly Series[];
}

const WIDTH = 600;
const HEIGHT = 160;
const GAP = 4;

const dayFormat = new Intl.DateTimeFormat(config.language, { day: "numeric", month: "short", timeZone: "UTC" });
const formatDay = (day: string): string => dayFormat.format(new Date(day));

/**
 * Bars, day by day and one series above the other. SVG of our own: the smallest library would be more than all other code
 * of the page. A table says the same to screen readers.
 */
export function DayChart({ label, days, series }: DayChartProps): VNode {
  const hovered = useSignal<number | null>(null);
  const totals = days.map((_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
  const most = niceMaximum(Math.max(...totals, 1));
  const step = WIDTH / days.length;
  const shown = hovered.value;
  const find = (event: MouseEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    hovered.value = Math.min(days.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * days.length)));
  };
  return html`<figure class="chart">
    <figcaption class="chart-legend">
      ${series.map(({ name, tone, values }) => html`<span><i class="dot dot-${tone}"></i>${name} <b class="numeric">${formatNumber(shown === null ? sum(values) : (values[shown] ?? 0))}</b></span>`)}
      <span class="chart-when">${shown === null ? t("chart.total") : formatDay(days[shown] ?? "")}</span>
    </figcaption>
    <div class="chart-plot">
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true" onMouseMove=${find} onMouseLeave=${() => (hovered.value = null)}>
        ${[0, 0.5, 1].map((part) => html`<line class="chart-grid" x1="0" x2=${WIDTH} y1=${HEIGHT * part} y2=${HEIGHT * part} />`)}
        ${days.map((_, at) => stack(series, at, { x: at * step + GAP / 2, width: step - GAP, scale: HEIGHT / most, isDim: shown !== null && shown !== at }))}
      </svg>
      <div class="chart-scale numeric" aria-hidden="true"><span>${formatNumber(most)}</span><span>${formatNumber(most / 2)}</span><span>0</span></div>
    </div>
    <div class="chart-days numeric" aria-hidden="true"><span>${formatDay(days[0] ?? "")}</span><span>${formatDay(days[Math.floor(days.length / 2)] ?? "")}</span><span>${formatDay(days.at(-1) ?? "")}</span></div>
    <table class="visually-hidden"><caption>${label}</caption>
      <thead><tr><th scope="col">${t("chart.day")}</th>${series.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${days.map((day, at) => html`<tr><th scope="row">${formatDay(day)}</th>${series.map(({ values }) => html`<td>${formatNumber(values[at] ?? 0)}</td>`)}</tr>`)}</tbody>
    </table>
  </figure>` as VNode;
}

interface Place {
  readonly x: number;
  readonly width: number;
  /** Units per entry. */
  readonly scale: number;
  readonly isDim: boolean;
}

function stack(series: readonly Series[], at: number, { x, width, scale, isDim }: Place): VNode[] {
  let top = HEIGHT;
  return series.map(({ tone, values }) => {
    const height = (values[at] ?? 0) * scale;
    top -= height;
    return html`<rect class="bar bar-${tone} ${isDim ? "bar-dim" : ""}" x=${x} y=${top} width=${width} height=${height} />` as VNode;
  });
}

/** The next of 2, 4, 10, 20, 40, 100 …, so that half of it is a whole number. */
function niceMaximum(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [2, 4, 10, 20].map((factor) => factor * power).find((one) => one >= value) ?? 20 * power;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
