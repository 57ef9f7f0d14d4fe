import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { Step, Traffic } from "../../app/api-types.ts";
import { formatNumber, t } from "../../app/messages.ts";
import { createResource } from "../../app/resource.ts";
import { changeQuery, query } from "../../app/router.ts";
import { api } from "../../app/session.ts";
import { Card } from "../../components/card.ts";
import { ConsoleHead } from "../../components/console.ts";
import { Alert } from "../../components/feedback.ts";
import { Loaded } from "../../components/loaded.ts";
import { type Column, Table } from "../../components/table.ts";
import { useInterval } from "../interval.ts";
import { JourneyDialog } from "./journey-dialog.ts";
import { formatMs, formatRate } from "./mesh-format.ts";
import { MeshGraph } from "./mesh-graph.ts";
import { MeshBacklog, MeshNodes } from "./mesh-state.ts";
import { type EdgeRates, trafficRates } from "./traffic-rates.ts";

const REFRESH_MS = 2_000;

/** The mesh as it is now: who calls whom, how often and how fast, and what waits. */
export function MeshSection(): VNode {
  const before = useSignal<Traffic | null>(null);
  const traffic = useMemo(() => createResource(async () => (await api.get<Traffic>("admin/mesh/traffic")).data), []);
  const requests = useMemo(
    () => createResource(async () => (await api.get<readonly Step[]>("admin/requests")).data),
    [],
  );
  const refresh = async () => {
    const shown = traffic.data.value;
    await Promise.all([traffic.load(), requests.load()]);
    if (traffic.data.value !== shown) before.value = shown;
  };
  useInterval(refresh, REFRESH_MS);
  useEffect(() => {
    requests.load();
  }, []);
  const request = new URLSearchParams(query.value).get("request");
  const failure = traffic.failure.value;
  return html`<${ConsoleHead} title=${t("admin.mesh")} text=${t("mesh.text")}>
      <span class="live ${failure === null ? "" : "live-lost"}"><i aria-hidden="true"></i>${t(failure === null ? "mesh.live" : "mesh.lost")}</span>
    <//>
    <${Loaded} resource=${traffic} lines=${10} render=${(now: Traffic) => html`<${MeshView} before=${before.value} now=${now} requests=${requests.data.value ?? []} />`} />
    ${request !== null && html`<${JourneyDialog} key=${request} id=${request} onClose=${() => changeQuery({ request: "" })} />`}` as VNode;
}

interface MeshViewProps {
  readonly before: Traffic | null;
  readonly now: Traffic;
  readonly requests: readonly Step[];
}

function MeshView({ before, now, requests }: MeshViewProps): VNode {
  const chosen = useSignal<string | null>(null);
  const rates = trafficRates(before, now);
  const services = [...new Set(now.nodes.flatMap((node) => (node.available ? node.services : [])))];
  const edges = rates.edges.toSorted((one, other) => other.per_second - one.per_second);
  const alive = now.nodes.filter(({ available }) => available).length;
  const lag = Math.max(...now.nodes.map(({ stats }) => stats?.event_loop_lag_ms ?? 0), 0);
  return html`<div class="console-cards">
    <dl class="figures">
      <${Figure} label=${t("mesh.nodes")} value="${formatNumber(alive)}" note=${t("mesh.services", { count: services.length })} isAlarm=${alive < now.nodes.length} />
      <${Figure} label=${t("mesh.calls")} value=${formatRate(rates.total.per_second)} note=${t("mesh.errors", { rate: formatRate(rates.total.errors_per_second) })} isAlarm=${rates.total.errors_per_second > 0} />
      <${Figure} label=${t("mesh.latency")} value=${formatMs(rates.total.p95_ms)} note=${t("mesh.half", { time: formatMs(rates.total.p50_ms) })} />
      <${Figure} label=${t("overview.breakers")} value=${formatNumber(now.open_breakers.length)} isAlarm=${now.open_breakers.length > 0} />
      <${Figure} label=${t("mesh.lag")} value=${formatMs(lag)} note=${t("mesh.lag_note")} />
      <${Figure} label=${t("mesh.outbox")} value=${formatNumber(now.outboxes.reduce((sum, { pending }) => sum + (pending ?? 0), 0))} note=${t("mesh.outbox_note")} />
    </dl>
    ${now.open_breakers.length > 0 && html`<${Alert} tone="warning" title=${t("mesh.breakers_open")}>${now.open_breakers.map(({ action, node, seen_by }) => html`<p>${t("mesh.breaker", { action, node, seen_by })}</p>`)}<//>`}
    <section class="card" aria-label=${t("mesh.graph")}><div class="card-body">
      <${MeshGraph} services=${services} edges=${edges} chosen=${chosen.value} onChoose=${(service: string | null) => (chosen.value = service)} />
    </div></section>
    <div class="columns">
      <${Card} title=${t("mesh.edges")} text=${t("mesh.edges_text")} flush><${EdgeTable} edges=${edges} /><//>
      <${RequestsCard} requests=${requests} />
    </div>
    <${MeshNodes} nodes=${rates.nodes} />
    <${MeshBacklog} traffic=${now} />
  </div>` as VNode;
}

interface FigureProps {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly isAlarm?: boolean;
}

function Figure({ label, value, note, isAlarm }: FigureProps): VNode {
  return html`<div class="figure ${isAlarm ? "figure-alarm" : ""}"><dt>${label}</dt><dd><strong class="numeric">${value}</strong>${note && html`<span class="numeric">${note}</span>`}</dd></div>` as VNode;
}

const SHOWN_EDGES = 14;

function EdgeTable({ edges }: { readonly edges: readonly EdgeRates[] }): VNode {
  const columns: ReadonlyArray<Column<EdgeRates>> = [
    {
      name: "edge",
      label: t("mesh.edge"),
      cell: ({ from, to }) => html`<span class="edge-name">${from} <span class="muted">→</span> ${to}</span>`,
    },
    { name: "rate", label: t("mesh.rate"), numeric: true, cell: ({ per_second }) => formatRate(per_second) },
    { name: "p50", label: "p50", numeric: true, minor: true, cell: ({ p50_ms }) => formatMs(p50_ms) },
    { name: "p95", label: "p95", numeric: true, cell: ({ p95_ms }) => formatMs(p95_ms) },
    {
      name: "errors",
      label: t("mesh.failed"),
      numeric: true,
      minor: true,
      cell: ({ errors_per_second }) => formatRate(errors_per_second),
    },
  ];
  return html`<${Table} label=${t("mesh.edges")} columns=${columns} rows=${edges.slice(0, SHOWN_EDGES)} keyOf=${({ from, to }: EdgeRates) => `${from} ${to}`} />` as VNode;
}

const SHOWN_REQUESTS = 12;

function RequestsCard({ requests }: { readonly requests: readonly Step[] }): VNode {
  return html`<${Card} title=${t("mesh.requests")} text=${t("mesh.requests_text")}>
    <${JourneySearch} />
    ${requests.length === 0 && html`<p class="muted">${t("mesh.no_requests")}</p>`}
    <ul class="requests">${requests.slice(0, SHOWN_REQUESTS).map(
      (
        one,
      ) => html`<li key=${one.correlation_id + one.at}><button type="button" onClick=${() => changeQuery({ request: one.correlation_id })}>
        <span class="status status-${one.outcome.charAt(0)}">${one.outcome}</span><span class="break">${one.name.replace("/api/v1/", "")}</span><span class="numeric muted">${formatMs(one.duration_ms)}</span>
      </button></li>`,
    )}</ul>
  <//>` as VNode;
}

function JourneySearch(): VNode {
  const id = useSignal("");
  const open = (event: Event) => {
    event.preventDefault();
    if (id.value.trim() !== "") changeQuery({ request: id.value.trim() });
  };
  return html`<form class="journey-search" onSubmit=${open}>
    <input class="input" type="search" name="request" aria-label=${t("mesh.correlation_id")} placeholder=${t("mesh.correlation_id")} autocomplete="off" spellcheck=${false}
      value=${id.value} onInput=${({ target }: Event) => (id.value = (target as HTMLInputElement).value)} />
    <button class="button button-secondary button-small" type="submit">${t("mesh.show")}</button>
  </form>` as VNode;
}
