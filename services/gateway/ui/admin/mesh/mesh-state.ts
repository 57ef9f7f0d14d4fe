import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Traffic } from "../../app/api-types.ts";
import { formatNumber, t } from "../../app/messages.ts";
import { Card } from "../../components/card.ts";
import { Badge } from "../../components/feedback.ts";
import { type Column, Table } from "../../components/table.ts";
import { formatMegabytes, formatMs, formatRate, formatUptime } from "./mesh-format.ts";
import type { NodeRates } from "./traffic-rates.ts";

/** A lease lasts this long without being renewed. */
const LEASE_SECONDS = 3;

export function MeshNodes({ nodes }: { readonly nodes: readonly NodeRates[] }): VNode {
  const columns: ReadonlyArray<Column<NodeRates>> = [
    { name: "node", label: t("mesh.node"), cell: ({ node }) => html`<${NodeName} node=${node} />` },
    { name: "rate", label: t("mesh.rate"), numeric: true, cell: ({ per_second }) => formatRate(per_second) },
    { name: "p95", label: "p95", numeric: true, minor: true, cell: ({ p95_ms }) => formatMs(p95_ms) },
    {
      name: "lag",
      label: t("mesh.lag"),
      numeric: true,
      minor: true,
      cell: ({ node: { stats } }) => formatMs(stats?.event_loop_lag_ms ?? null),
    },
    {
      name: "memory",
      label: t("mesh.memory"),
      numeric: true,
      minor: true,
      cell: ({ node: { stats } }) => (stats ? formatMegabytes(stats.memory_bytes) : "–"),
    },
    {
      name: "uptime",
      label: t("mesh.uptime"),
      numeric: true,
      minor: true,
      cell: ({ node: { stats } }) => (stats ? formatUptime(stats.uptime_seconds) : "–"),
    },
    { name: "leases", label: t("mesh.leases"), minor: true, cell: ({ node }) => html`<${Leases} node=${node} />` },
  ];
  return html`<${Card} title=${t("mesh.nodes")} flush>
    <${Table} label=${t("mesh.nodes")} columns=${columns} rows=${nodes} keyOf=${({ node }: NodeRates) => node.id} />
  <//>` as VNode;
}

type Node = Traffic["nodes"][number];

function NodeName({ node: { id, available, services, stats } }: { readonly node: Node }): VNode {
  const state = available ? (stats === null ? "silent" : null) : "gone";
  return html`<div class="stack-tight"><span class="edge-name">${id} ${state !== null && html`<${Badge} tone="danger">${t(`mesh.node_${state}`)}<//>`}</span>
    <span class="badges">${services.map((name) => html`<${Badge}>${name}<//>`)}</span></div>` as VNode;
}

function Leases({ node: { stats } }: { readonly node: Node }): VNode | string {
  if (stats === null || stats.leases.length === 0) return "–";
  return html`<span class="badges">${stats.leases.map(({ service, age_seconds }) => {
    const isHeld = age_seconds !== null && age_seconds < LEASE_SECONDS;
    return html`<${Badge} tone=${isHeld ? "success" : "danger"}>${service}: ${isHeld ? t("mesh.lease_held") : t("mesh.lease_lost")}<//>`;
  })}</span>` as VNode;
}

/** Backlogs: jobs in queues, events and jobs in outboxes, events at consumers. */
export function MeshBacklog({ traffic: { queues, outboxes, consumers } }: { readonly traffic: Traffic }): VNode {
  return html`<div class="trio">
    <${Card} title=${t("admin.queues")}><ul class="measures">${queues.map(({ name, counts }) => {
      const waiting = counts === null ? null : (counts.waiting ?? 0) + (counts.prioritized ?? 0);
      return html`<${Measure} name=${t(`queues.name_${name}`)} value=${waiting} note=${counts && t("mesh.queue_note", { active: counts.active ?? 0, failed: counts.failed ?? 0 })} isAlarm=${(counts?.failed ?? 0) > 0} />`;
    })}</ul><//>
    <${Card} title=${t("mesh.outboxes")}><ul class="measures">${outboxes.map(
      ({ service, pending, oldest_seconds }) =>
        html`<${Measure} name=${service} value=${pending} note=${oldest_seconds === null ? t("mesh.nothing_waits") : t("mesh.oldest", { time: formatUptime(oldest_seconds) })} />`,
    )}</ul><//>
    <${Card} title=${t("mesh.consumers")}>
      ${consumers === null && html`<p class="muted">${t("mesh.no_stream")}</p>`}
      ${consumers?.length === 0 && html`<p class="muted">${t("mesh.in_process")}</p>`}
      <ul class="measures">${(consumers ?? []).map(
        ({ name, pending, unacknowledged, redelivered }) =>
          html`<${Measure} name=${name} value=${pending} note=${t("mesh.consumer_note", { unacknowledged, redelivered })} isAlarm=${redelivered > 0} />`,
      )}</ul>
    <//>
  </div>` as VNode;
}

interface MeasureProps {
  readonly name: string;
  /** Null if it cannot be read. */
  readonly value: number | null;
  readonly note?: string | null;
  readonly isAlarm?: boolean;
}

function Measure({ name, value, note, isAlarm }: MeasureProps): VNode {
  return html`<li class=${isAlarm ? "measure-alarm" : ""}><span>${name}${note && html`<small class="numeric">${note}</small>`}</span><strong class="numeric">${value === null ? "–" : formatNumber(value)}</strong></li>` as VNode;
}
