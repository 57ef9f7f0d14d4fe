import { html } from "htm/preact";
import type { VNode } from "preact";
import { t } from "../../app/messages.ts";
import { formatMs, formatRate } from "./mesh-format.ts";
import type { EdgeRates } from "./traffic-rates.ts";

interface MeshGraphProps {
  readonly services: readonly string[];
  readonly edges: readonly EdgeRates[];
  readonly chosen: string | null;
  readonly onChoose: (service: string | null) => void;
}

const WIDTH = 920;
const BOX = { width: 160, height: 48 };
/** Space on the right, for the calls within the last column. */
const MARGIN = 64;
const ROW = 84;
/** Services that people and queues call are on the left; services that only answer other services are on the right. */
const COLUMNS: ReadonlyArray<readonly string[]> = [
  ["gateway", "worker-mail", "worker-push", "worker-webhooks", "worker-pictures", "worker-maintenance"],
  ["auth", "admin", "mail", "webhooks"],
  ["users", "sessions", "preferences"],
];

/** These answer people or jobs; nobody calls them on the bus. */
const CALLERS = /^(?:gateway|worker-.*)$/;

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The services and who calls whom. The table below says the same in words. */
export function MeshGraph({ services, edges, chosen, onChoose }: MeshGraphProps): VNode {
  const { places, height } = layOut(
    services.filter((name) => COLUMNS.flat().includes(name) || edges.some(({ to }) => to === name)),
  );
  const drawn = edges.filter(({ from, to }) => from !== to && places.has(from) && places.has(to));
  const most = Math.max(...drawn.map(({ per_second }) => per_second), 1);
  const isNear = ({ from, to }: EdgeRates) => chosen === null || from === chosen || to === chosen;
  return html`<div class="mesh" role="group" tabindex="0" aria-label=${t("mesh.graph")}>
    <svg viewBox="0 0 ${WIDTH} ${height}" aria-hidden="true">
      ${drawn.map((edge) => drawEdge(edge, places, { most, isDim: !isNear(edge) }))}
      ${[...places].map(([name, place]) => drawService(name, place, { edges, isDim: chosen !== null && chosen !== name && !edges.some((edge) => isNear(edge) && (edge.from === name || edge.to === name)), onChoose }))}
    </svg>
  </div>` as VNode;
}

function layOut(services: readonly string[]) {
  const known = COLUMNS.flat();
  const columns = COLUMNS.map((names, at) => [
    ...names.filter((name) => services.includes(name)),
    // Services of other teams answer others.
    ...(at === COLUMNS.length - 1 ? services.filter((name) => !known.includes(name)) : []),
  ]);
  const rows = Math.max(...columns.map(({ length }) => length), 1);
  const height = rows * ROW + 24;
  const places = new Map<string, Place>();
  for (const [at, names] of columns.entries()) {
    const x = 2 + BOX.width / 2 + (at * (WIDTH - MARGIN - BOX.width)) / (columns.length - 1);
    const gap = height / names.length;
    for (const [row, name] of names.entries()) places.set(name, { x, y: gap * (row + 0.5) });
  }
  return { places, height };
}

function drawEdge(
  edge: EdgeRates,
  places: ReadonlyMap<string, Place>,
  { most, isDim }: { readonly most: number; readonly isDim: boolean },
): VNode {
  const [start, end] = [places.get(edge.from), places.get(edge.to)] as [Place, Place];
  const isActive = edge.per_second > 0;
  const kind = edge.errors_per_second > 0 ? "edge-failing" : isActive ? "edge-active" : "";
  const width = isActive ? 1.25 + 2.75 * Math.sqrt(edge.per_second / most) : 1;
  const path = pathOf(start, end);
  return html`<g class="edge ${kind} ${isDim ? "edge-dim" : ""}">
    <path d=${path} stroke-width=${width} />
    ${isActive && html`<path class="edge-flow" d=${path} stroke-width=${width + 0.5} />`}
  </g>` as VNode;
}

/** A line from the right side of one box to the left side of the other; within a column it runs around the outside. */
function pathOf(start: Place, end: Place): string {
  const half = BOX.width / 2;
  if (start.x === end.x) {
    const x = start.x + half;
    return `M${x} ${start.y}C${x + 56} ${start.y} ${x + 56} ${end.y} ${x} ${end.y}`;
  }
  const direction = end.x > start.x ? 1 : -1;
  const [x1, x2] = [start.x + half * direction, end.x - half * direction];
  const bend = (x2 - x1) * 0.45;
  // The line of the opposite direction runs a little lower, so that both can be seen.
  const shift = direction < 0 ? 8 : 0;
  return `M${x1} ${start.y + shift}C${x1 + bend} ${start.y + shift} ${x2 - bend} ${end.y + shift} ${x2} ${end.y + shift}`;
}

interface ServiceProps {
  readonly edges: readonly EdgeRates[];
  readonly isDim: boolean;
  readonly onChoose: (service: string | null) => void;
}

function drawService(name: string, { x, y }: Place, { edges, isDim, onChoose }: ServiceProps): VNode {
  const incoming = edges.filter(({ to }) => to === name);
  const rate = incoming.reduce((sum, { per_second }) => sum + per_second, 0);
  const slowest = Math.max(...incoming.map(({ p95_ms }) => p95_ms ?? 0), 0);
  const text = CALLERS.test(name)
    ? t("mesh.calls_others")
    : `${formatRate(rate)}${slowest > 0 ? ` · ${formatMs(slowest)}` : ""}`;
  return html`<g class="service ${isDim ? "service-dim" : ""} ${rate > 0 ? "service-active" : ""}" transform="translate(${x - BOX.width / 2} ${y - BOX.height / 2})"
    onMouseEnter=${() => onChoose(name)} onMouseLeave=${() => onChoose(null)}>
    <rect width=${BOX.width} height=${BOX.height} rx="10" />
    <text x="14" y="19">${name}</text><text class="service-rate" x="14" y="35">${text}</text>
  </g>` as VNode;
}
