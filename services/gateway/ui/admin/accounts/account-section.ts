import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { useMemo } from "preact/hooks";
import { ApiError } from "../../app/api-client.ts";
import type { Erasure, User } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { formatDateTime, formatRelative, t } from "../../app/messages.ts";
import { createResource, type Resource } from "../../app/resource.ts";
import { followLink } from "../../app/router.ts";
import { Avatar } from "../../components/avatar.ts";
import { Card } from "../../components/card.ts";
import { ConsoleHead } from "../../components/console.ts";
import { Alert } from "../../components/feedback.ts";
import { Icon } from "../../components/icons.ts";
import { Loaded } from "../../components/loaded.ts";
import { may, tenantApi } from "../access.ts";
import { AccountActions } from "./account-actions.ts";
import { AccountActivityCard } from "./account-activity.ts";
import { AccountBadges, displayName } from "./account-badges.ts";
import { AccountDetailsCard } from "./account-details.ts";
import { AccountRolesCard } from "./account-roles.ts";
import { AccountSessionsCard } from "./account-sessions.ts";
import { AccountSubscriptionCard } from "./account-subscription.ts";

/** Everything about one account. */
export function AccountSection({ id = "" }: { readonly id?: string }): VNode {
  const user = useMemo(() => createResource(async () => (await tenantApi.get<User>(`admin/users/${id}`)).data), [id]);
  return html`${user.data.value === null && html`<${ConsoleHead} title=${t("account.one")} trail=${html`<${Trail} />`} />`}
    <${Loaded} resource=${user} lines=${10} render=${(data: User) => html`<${Account} user=${data} resource=${user} />`} />` as VNode;
}

interface AccountProps {
  readonly user: User;
  readonly resource: Resource<User>;
}

function Account({ user, resource }: AccountProps): VNode {
  const show = (changed: User) => {
    resource.data.value = changed;
  };
  const changing = { user, onChange: show, onReload: () => resource.load() };
  return html`<${ConsoleHead} title=${displayName(user)} trail=${html`<${Trail} />`}>
      ${may("users:write") && html`<${AccountActions} ...${changing} />`}
    <//>
    <div class="console-cards">
      ${user.deleted_at !== null && html`<${ErasureNotice} user=${user} />`}
      <${Summary} user=${user} />
      <div class="columns">
        <div class="console-cards">
          <${AccountDetailsCard} key=${user.updated_at} ...${changing} />
          ${may("activity:read") && html`<${AccountActivityCard} user=${user} />`}
        </div>
        <div class="console-cards">
          <${AccountRolesCard} key=${`roles ${user.updated_at}`} ...${changing} />
          <${AccountSubscriptionCard} ...${changing} />
          ${may("sessions:read") && html`<${AccountSessionsCard} user=${user} />`}
        </div>
      </div>
    </div>` as VNode;
}

function Trail(): VNode {
  return html`<a class="trail" href=${pathTo("/admin/accounts")} onClick=${followLink}><${Icon} name="chevron-left" size=${16} />${t("admin.accounts")}</a>` as VNode;
}

function Summary({ user }: { readonly user: User }): VNode {
  return html`<${Card} title=${t("account.summary")}>
    <div class="summary">
      <${Avatar} user=${user} size=${64} />
      <dl class="facts">
        <${Fact} label=${t("account.email")}><span class="break">${user.email}</span><//>
        <${Fact} label=${t("accounts.status")}><span class="badges"><${AccountBadges} user=${user} /></span><//>
        <${Fact} label=${t("accounts.last_login")}>${user.last_login_at === null ? t("accounts.never") : html`<${Time} iso=${user.last_login_at} />`}<//>
        <${Fact} label=${t("accounts.created")}><${Time} iso=${user.created_at} /><//>
        <${Fact} label=${t("account.id")}><code class="break">${user.id}</code><//>
      </dl>
    </div>
  <//>` as VNode;
}

function Fact({ label, children }: { readonly label: string; readonly children?: ComponentChildren }): VNode {
  return html`<div><dt>${label}</dt><dd>${children}</dd></div>` as VNode;
}

function Time({ iso }: { readonly iso: string }): VNode {
  return html`<time datetime=${iso} title=${formatRelative(iso)}>${formatDateTime(iso)}</time>` as VNode;
}

function ErasureNotice({ user }: { readonly user: User }): VNode | null {
  const erasure = useMemo(
    () =>
      createResource(() =>
        tenantApi.get<Erasure>(`admin/users/${user.id}/erasure`).then(({ data }) => data, keptIfNone),
      ),
    [user.id],
  );
  const shown = useSignal(false);
  if (!shown.value) {
    shown.value = true;
    erasure.load();
  }
  const data = erasure.data.value;
  if (data === null) return null;
  return html`<${Alert} tone="warning" title=${t("account.deleted_title")}>${erasureText(data)}<//>` as VNode;
}

/** Deleted accounts without an erasure are kept. */
function keptIfNone(error: unknown): "kept" {
  if (error instanceof ApiError && error.status === 404) return "kept";
  throw error;
}

function erasureText(erasure: Erasure | "kept"): string {
  if (erasure === "kept") return t("account.kept");
  return erasure.state === "scheduled"
    ? t("account.erased_on", { date: formatDateTime(erasure.erase_at) })
    : t("account.erasing");
}
