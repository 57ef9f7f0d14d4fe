import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Activity, User } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { t } from "../../app/messages.ts";
import { createResource } from "../../app/resource.ts";
import { followLink } from "../../app/router.ts";
import { Card } from "../../components/card.ts";
import { Loaded } from "../../components/loaded.ts";
import { tenantApi } from "../access.ts";
import { ActivityList } from "../activity-list.ts";

const SHOWN = 10;

/** The latest activity of the account. It is read again after each change. */
export function AccountActivityCard({ user }: { readonly user: User }): VNode {
  const path = `admin/users/${user.id}/activity`;
  const activity = useMemo(
    () => createResource(async () => (await tenantApi.get<readonly Activity[]>(path, { limit: SHOWN })).data),
    [path, user.updated_at],
  );
  const all = html`<a class="small" href=${pathTo(`/admin/activity?account=${user.id}`)} onClick=${followLink}>${t("overview.all_activity")}</a>`;
  return html`<${Card} title=${t("account.activity_title")} action=${all}>
    <${Loaded} resource=${activity} lines=${6} render=${(items: readonly Activity[]) =>
      items.length === 0
        ? html`<p class="muted">${t("activity.empty")}</p>`
        : html`<${ActivityList} items=${items} />`} />
  <//>` as VNode;
}
