import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { describeError } from "../app/api-client.ts";
import type { Activity } from "../app/api-types.ts";
import { formatDateTime, formatRelative, t } from "../app/messages.ts";
import { activityIcon, describeActivity } from "../components/activity.ts";
import { Button } from "../components/button.ts";
import { Alert, Empty } from "../components/feedback.ts";
import { Icon } from "../components/icons.ts";
import { Loaded } from "../components/loaded.ts";
import { activity, loadOlderActivity } from "./account-data.ts";

type List = NonNullable<typeof activity.data.value>;

export function ActivitySection(): VNode {
  return html`<section class="card" aria-label=${t("account.activity")}><div class="card-body">
    <${Loaded} resource=${activity} lines=${8} render=${(list: List) => html`<${Entries} list=${list} />`} />
  </div></section>` as VNode;
}

function Entries({ list }: { readonly list: List }): VNode {
  const busy = useSignal(false);
  const failure = useSignal<string | null>(null);
  const more = async () => {
    busy.value = true;
    failure.value = null;
    await loadOlderActivity().catch((error) => {
      failure.value = describeError(error);
    });
    busy.value = false;
  };
  if (list.items.length === 0)
    return html`<${Empty} icon="activity" title=${t("activity.empty")} text=${t("activity.empty_text")} />` as VNode;
  return html`<ol class="list">${list.items.map((one) => html`<${Entry} key=${one.id} entry=${one} />`)}</ol>
    ${failure.value !== null && html`<${Alert} tone="danger">${failure.value}<//>`}
    ${list.next !== null && html`<div class="list-more"><${Button} busy=${busy.value} onClick=${more}>${t("activity.more")}<//></div>`}` as VNode;
}

function Entry({ entry }: { readonly entry: Activity }): VNode {
  return html`<li class="list-row">
    <span class="list-icon"><${Icon} name=${activityIcon(entry.action)} /></span>
    <div class="list-text"><strong>${describeActivity(entry.action)}</strong><span>${entry.ip ?? ""}</span></div>
    <time class="hint numeric" datetime=${entry.at} title=${formatDateTime(entry.at)}>${formatRelative(entry.at)}</time>
  </li>` as VNode;
}
