import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { Activity } from "../app/api-types.ts";
import { formatDateTime, formatRelative } from "../app/messages.ts";
import { activityIcon, describeActivity } from "../components/activity.ts";
import { Icon } from "../components/icons.ts";
import { describePeople, learnNames } from "./names.ts";

/** Entries of the activity log, short: what happened, from where, and when. */
export function ActivityList({ items }: { readonly items: readonly Activity[] }): VNode {
  useEffect(() => {
    learnNames(items).catch(() => undefined);
  }, [items]);
  return html`<ol class="list">${items.map(
    (one) => html`<li class="list-row" key=${one.id}>
      <span class="list-icon"><${Icon} name=${activityIcon(one.action)} /></span>
      <div class="list-text"><strong>${describeActivity(one.action)}</strong><span>${describePeople(one)}</span></div>
      <time class="hint numeric" datetime=${one.at} title=${formatDateTime(one.at)}>${formatRelative(one.at)}</time>
    </li>`,
  )}</ol>` as VNode;
}
