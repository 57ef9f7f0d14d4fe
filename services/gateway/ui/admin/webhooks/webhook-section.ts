import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Webhook } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { formatDateTime, t } from "../../app/messages.ts";
import { createResource, type Resource } from "../../app/resource.ts";
import { followLink } from "../../app/router.ts";
import { Card } from "../../components/card.ts";
import { ConsoleHead } from "../../components/console.ts";
import { Alert } from "../../components/feedback.ts";
import { Icon } from "../../components/icons.ts";
import { Loaded } from "../../components/loaded.ts";
import { may, tenantApi } from "../access.ts";
import { useInterval } from "../interval.ts";
import { WebhookActions } from "./webhook-actions.ts";
import { WebhookDeliveries } from "./webhook-deliveries.ts";
import { WebhookSettings } from "./webhook-settings.ts";
import { describeEvents, nameOfWebhook, WebhookBadge } from "./webhook-texts.ts";

/** How often to check whether the webhook is failing or has been disabled. */
const REFRESH_MS = 10_000;

/** One webhook: its settings, and the messages that it was sent. */
export function WebhookSection({ id = "" }: { readonly id?: string }): VNode {
  const webhook = useMemo(
    () => createResource(async () => (await tenantApi.get<Webhook>(`admin/webhooks/${id}`)).data),
    [id],
  );
  useInterval(() => webhook.load(), REFRESH_MS);
  return html`${webhook.data.value === null && html`<${ConsoleHead} title=${t("webhooks.one")} trail=${html`<${Trail} />`} />`}
    <${Loaded} resource=${webhook} lines=${8} render=${(data: Webhook) => html`<${Shown} webhook=${data} resource=${webhook} />`} />` as VNode;
}

function Trail(): VNode {
  return html`<a class="trail" href=${pathTo("/admin/webhooks")} onClick=${followLink}><${Icon} name="chevron-left" size=${16} />${t("admin.webhooks")}</a>` as VNode;
}

interface ShownProps {
  readonly webhook: Webhook;
  readonly resource: Resource<Webhook>;
}

function Shown({ webhook, resource }: ShownProps): VNode {
  /** Incremented when a message has been requested, so that it appears in the list at once. */
  const sent = useSignal(0);
  const show = (changed: Webhook) => {
    resource.data.value = changed;
  };
  const mayChange = may("webhooks:write");
  return html`<${ConsoleHead} title=${nameOfWebhook(webhook)} trail=${html`<${Trail} />`}>
      ${mayChange && html`<${WebhookActions} webhook=${webhook} onChange=${show} onSent=${() => (sent.value += 1)} />`}
    <//>
    <div class="console-cards">
      <${StateNotice} webhook=${webhook} />
      <div class="columns">
        <${WebhookDeliveries} webhook=${webhook} sent=${sent.value} />
        <div class="console-cards">
          <${Summary} webhook=${webhook} />
          ${mayChange && html`<${WebhookSettings} resource=${resource} />`}
        </div>
      </div>
    </div>` as VNode;
}

function StateNotice({ webhook }: { readonly webhook: Webhook }): VNode | null {
  const { is_enabled, disabled_reason, failing_since, previous_secret_until } = webhook;
  if (!is_enabled) {
    const tone = disabled_reason === "administrator" ? "info" : "danger";
    return html`<${Alert} tone=${tone} title=${t("webhooks.disabled_title")}>${t(`webhooks.disabled_${disabled_reason ?? "administrator"}`)}<//>` as VNode;
  }
  return html`
    ${failing_since !== null && html`<${Alert} tone="warning" title=${t("webhooks.failing_title")}>${t("webhooks.failing_text", { since: formatDateTime(failing_since) })}<//>`}
    ${previous_secret_until !== null && html`<${Alert} tone="info" title=${t("webhooks.two_secrets")}>${t("webhooks.two_secrets_text", { until: formatDateTime(previous_secret_until) })}<//>`}` as VNode;
}

function Summary({ webhook }: { readonly webhook: Webhook }): VNode {
  return html`<${Card} title=${t("account.summary")}>
    <dl class="facts">
      <div><dt>${t("accounts.status")}</dt><dd><${WebhookBadge} webhook=${webhook} /></dd></div>
      <div><dt>${t("webhooks.events")}</dt><dd>${describeEvents(webhook.event_types)}</dd></div>
      <div><dt>${t("accounts.created")}</dt><dd>${formatDateTime(webhook.created_at)}</dd></div>
      <div class="span-all"><dt>${t("webhooks.url")}</dt><dd class="break">${webhook.url}</dd></div>
    </dl>
  <//>` as VNode;
}
