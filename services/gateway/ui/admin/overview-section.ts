import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Activity, DayStatistics, PlatformMetrics } from "../app/api-types.ts";
import { pathTo } from "../app/config.ts";
import { formatNumber, t } from "../app/messages.ts";
import { createResource } from "../app/resource.ts";
import { followLink } from "../app/router.ts";
import { api } from "../app/session.ts";
import { Card } from "../components/card.ts";
import { ConsoleHead } from "../components/console.ts";
import { Loaded } from "../components/loaded.ts";
import { may, tenantApi } from "./access.ts";
import { ActivityList } from "./activity-list.ts";
import { DayChart } from "./day-chart.ts";
import { useInterval } from "./interval.ts";

const REFRESH_MS = 30_000;
const LATEST = 6;

/** The first section: figures, sign-ins day by day, and the latest activity. */
export function OverviewSection(): VNode {
  return html`<${ConsoleHead} title=${t("admin.overview")} text=${t("overview.text")} />
    <div class="console-cards">
      ${may("platform:metrics") && html`<${InstallationFigures} />`}
      ${may("activity:read") && html`<${TenantStatistics} /><${LatestActivity} />`}
    </div>` as VNode;
}

function InstallationFigures(): VNode {
  const metrics = useMemo(() => createResource(async () => (await api.get<PlatformMetrics>("admin/metrics")).data), []);
  useInterval(() => metrics.load(), REFRESH_MS);
  return html`<${Loaded} resource=${metrics} render=${(data: PlatformMetrics) => html`<dl class="figures">
    <${Figure} label=${t("overview.accounts")} value=${data.accounts?.total} note=${data.accounts && t("overview.active", { count: data.accounts.active })} />
    <${Figure} label=${t("overview.sessions")} value=${data.sessions?.active} />
    <${Figure} label=${t("overview.logins")} value=${data.logins?.last_24_hours} note=${data.logins && t("overview.refused", { count: data.logins.refused_last_24_hours })} />
    <${Figure} label=${t("overview.dead_letters")} value=${deadLetters(data)} isAlarm=${(deadLetters(data) ?? 0) > 0} href=${may("platform:queues") ? "/admin/queues" : undefined} />
    <${Figure} label=${t("overview.erasures")} value=${data.erasures?.open} note=${data.erasures && t("overview.overdue", { count: data.erasures.overdue })} isAlarm=${(data.erasures?.overdue ?? 0) > 0} />
    <${Figure} label=${t("overview.breakers")} value=${data.breakers.open} isAlarm=${data.breakers.open > 0} />
  </dl>`} />` as VNode;
}

/** Undefined if no queue can be read. */
function deadLetters({ queues }: PlatformMetrics): number | undefined {
  const known = Object.values(queues).filter((counts) => counts !== null);
  return known.length === 0 ? undefined : known.reduce((sum, counts) => sum + (counts.failed ?? 0), 0);
}

interface FigureProps {
  readonly label: string;
  /** Undefined if the service that knows it did not answer. */
  readonly value: number | undefined;
  readonly note?: string | null;
  readonly isAlarm?: boolean;
  readonly href?: string | undefined;
}

function Figure({ label, value, note, isAlarm, href }: FigureProps): VNode {
  const name: ComponentChildren =
    href === undefined ? label : html`<a class="row-link" href=${pathTo(href)} onClick=${followLink}>${label}</a>`;
  return html`<div class="figure ${isAlarm ? "figure-alarm" : ""}"><dt>${name}</dt><dd><strong class="numeric">${value === undefined ? "–" : formatNumber(value)}</strong>${note && html`<span>${note}</span>`}</dd></div>` as VNode;
}

function TenantStatistics(): VNode {
  const statistics = useMemo(
    () => createResource(async () => (await tenantApi.get<readonly DayStatistics[]>("admin/statistics")).data),
    [],
  );
  return html`<div class="pair">
    <${Card} title=${t("overview.sign_ins")} text=${t("overview.days", { days: 30 })}>
      <${Loaded} resource=${statistics} lines=${6} render=${(
        days: readonly DayStatistics[],
      ) => html`<${DayChart} label=${t("overview.sign_ins")} days=${days.map((one) => one.day)}
        series=${[
          { name: t("overview.successful"), tone: "accent", values: days.map((one) => one.sign_ins) },
          { name: t("overview.refused_short"), tone: "danger", values: days.map((one) => one.refused_sign_ins) },
        ]} />`} />
    <//>
    <${Card} title=${t("overview.new_accounts")} text=${t("overview.days", { days: 30 })}>
      <${Loaded} resource=${statistics} lines=${6} render=${(
        days: readonly DayStatistics[],
      ) => html`<${DayChart} label=${t("overview.new_accounts")} days=${days.map((one) => one.day)}
        series=${[{ name: t("overview.new_accounts"), tone: "accent", values: days.map((one) => one.accounts) }]} />`} />
    <//>
  </div>` as VNode;
}

function LatestActivity(): VNode {
  const latest = useMemo(
    () =>
      createResource(async () => (await tenantApi.get<readonly Activity[]>("admin/activity", { limit: LATEST })).data),
    [],
  );
  useInterval(() => latest.load(), REFRESH_MS);
  const all = html`<a class="small" href=${pathTo("/admin/activity")} onClick=${followLink}>${t("overview.all_activity")}</a>`;
  return html`<${Card} title=${t("overview.latest")} action=${all}>
    <${Loaded} resource=${latest} lines=${6} render=${(items: readonly Activity[]) =>
      items.length === 0 ? html`<p class="muted">${t("log.none")}</p>` : html`<${ActivityList} items=${items} />`} />
  <//>` as VNode;
}
