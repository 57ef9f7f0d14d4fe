import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { Activity } from "../app/api-types.ts";
import { pathTo } from "../app/config.ts";
import { formatDateTime, formatRelative, t } from "../app/messages.ts";
import { changeQuery, followLink, query } from "../app/router.ts";
import { activityActions, activityIcon, describeActivity } from "../components/activity.ts";
import { Button } from "../components/button.ts";
import { ConsoleHead } from "../components/console.ts";
import { Icon } from "../components/icons.ts";
import { may, tenantApi } from "./access.ts";
import { useInterval } from "./interval.ts";
import { Listing } from "./listing.ts";
import { describePeople, learnNames, nameOf } from "./names.ts";
import { type Pages, usePages } from "./pages.ts";
import { Select } from "./toolbar.ts";

const PAGE_SIZE = 25;
const TAIL_MS = 3_000;
const periods: Readonly<Record<string, number>> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

/** The activity log of the tenant, or of one account. While it is followed, new entries appear by themselves. */
export function ActivitySection(): VNode {
  const { action, period, account, by } = readFilters();
  const isFollowing = useSignal(false);
  const isAbout = account !== "" && by === "";
  const path = isAbout ? `admin/users/${account}/activity` : "admin/activity";
  const pages = usePages<Activity>([action, period, account, by].join("\n"), (cursor, signal) => {
    const filters = { action, from: startOf(period), ...(account !== "" && !isAbout && { actor: account }) };
    return tenantApi.get(path, { limit: PAGE_SIZE, ...filters, cursor }, signal);
  });
  useTail(pages, isFollowing.value);
  useEffect(() => {
    learnNames(pages.items.value ?? []).catch(() => undefined);
  }, [pages.items.value]);
  const options = activityActions().map((value) => ({ value, label: describeActivity(value) }));
  return html`<${ConsoleHead} title=${t("admin.activity")} text=${t("log.text")}>
      <${FollowSwitch} isOn=${isFollowing.value} onChange=${(isOn: boolean) => (isFollowing.value = isOn)} />
    <//>
    <section class="card" aria-label=${t("admin.activity")}>
      <div class="toolbar">
        ${account !== "" && html`<${AccountFilter} account=${account} by=${by} />`}
        <${Select} label=${t("log.action")} value=${action} onChange=${(value: string) => changeQuery({ action: value })}
          options=${[{ value: "", label: t("log.any_action") }, ...options]} />
        <${Select} label=${t("log.period")} value=${period} onChange=${(value: string) => changeQuery({ period: value })}
          options=${["", ...Object.keys(periods)].map((value) => ({ value, label: t(`log.period_${value || "any"}`) }))} />
      </div>
      <${Listing} pages=${pages} icon="activity" empty=${{ title: t("log.none"), text: t("log.none_text") }} countOf=${(total: number) => t("log.count", { total })}
        render=${(items: readonly Activity[]) => html`<ol class="log" aria-busy=${pages.isLoading.value ? "true" : undefined}>${items.map((one) => html`<${Entry} key=${one.id} entry=${one} />`)}</ol>`} />
    </section>` as VNode;
}

function readFilters() {
  const params = new URLSearchParams(query.value);
  const read = (name: string) => params.get(name) ?? "";
  return { action: read("action"), period: read("period"), account: read("account"), by: read("by") };
}

interface AccountFilterProps {
  readonly account: string;
  /** Not empty: what the account has done, instead of what was done to it. */
  readonly by: string;
}

function AccountFilter({ account, by }: AccountFilterProps): VNode {
  useEffect(() => {
    learnNames([{ user_id: account, actor_id: null }]).catch(() => undefined);
  }, [account]);
  const name = nameOf(account) ?? account;
  const options = [
    { value: "", label: t("log.about", { name }) },
    { value: "actor", label: t("log.by", { name }) },
  ];
  return html`<div class="row filter">
    <${Select} label=${t("log.account")} value=${by} options=${options} onChange=${(value: string) => changeQuery({ by: value })} />
    <${Button} kind="quiet" icon="close" label=${t("log.everybody")} onClick=${() => changeQuery({ account: "", by: "" })} />
  </div>` as VNode;
}

function startOf(period: string): string | undefined {
  const length = periods[period];
  return length === undefined ? undefined : new Date(Date.now() - length).toISOString();
}

/** Reads the first page again and again. Other pages stay as they are. */
function useTail(pages: Pages<Activity>, isFollowing: boolean): void {
  useInterval(() => isFollowing && pages.number === 1 && pages.reload(), TAIL_MS);
}

interface FollowProps {
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}

function FollowSwitch({ isOn, onChange }: FollowProps): VNode {
  return html`<label class="follow"><input class="switch" type="checkbox" role="switch" checked=${isOn}
    onChange=${({ target }: Event) => onChange((target as HTMLInputElement).checked)} />${t("log.follow")}</label>` as VNode;
}

function Entry({ entry }: { readonly entry: Activity }): VNode {
  const { action, at, correlation_id, details } = entry;
  const more = Object.entries(details).filter(([, value]) => value !== null && value !== "");
  return html`<li><details class="log-entry">
    <summary>
      <span class="list-icon"><${Icon} name=${activityIcon(action)} /></span>
      <span class="log-text"><strong>${describeActivity(action)}</strong><span>${describePeople(entry)}</span></span>
      <time class="hint numeric" datetime=${at} title=${formatDateTime(at)}>${formatRelative(at)}</time>
    </summary>
    <dl class="facts log-facts">
      <div><dt>${t("log.at")}</dt><dd>${formatDateTime(at)}</dd></div>
      <div><dt>${t("log.action")}</dt><dd><code>${action}</code></dd></div>
      ${entry.user_id !== null && html`<div><dt>${t("log.account")}</dt><dd><${AccountLink} id=${entry.user_id} /></dd></div>`}
      ${entry.actor_id !== null && entry.actor_id !== entry.user_id && html`<div><dt>${t("log.actor")}</dt><dd><${AccountLink} id=${entry.actor_id} /></dd></div>`}
      ${correlation_id !== null && html`<div><dt>${t("log.request")}</dt><dd><${RequestLink} id=${correlation_id} /></dd></div>`}
      ${more.map(([name, value]) => html`<div><dt>${name.replaceAll("_", " ")}</dt><dd class="break">${typeof value === "string" ? value : JSON.stringify(value)}</dd></div>`)}
    </dl>
  </details></li>` as VNode;
}

function AccountLink({ id }: { readonly id: string }): VNode {
  if (!may("users:read")) return html`<code class="break">${id}</code>` as VNode;
  return html`<a class="break" href=${pathTo(`/admin/accounts/${id}`)} onClick=${followLink}>${nameOf(id) ?? html`<code>${id}</code>`}</a>` as VNode;
}

/** A link to the journey of the request. */
function RequestLink({ id }: { readonly id: string }): VNode {
  if (!may("platform:metrics")) return html`<code class="break">${id}</code>` as VNode;
  return html`<a class="break" href=${pathTo(`/mesh?request=${encodeURIComponent(id)}`)} onClick=${followLink}><code>${id}</code></a>` as VNode;
}
