import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Webhook } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { Badge } from "../../components/feedback.ts";

/** What administrators call it, or else the name of its server. */
export function nameOfWebhook({ description, url }: Pick<Webhook, "description" | "url">): string {
  return description || new URL(url).host;
}

export function describeEvents(types: Webhook["event_types"]): string {
  return types === null ? t("webhooks.all_events") : t("webhooks.some_events", { count: types.length });
}

export function WebhookBadge({ webhook }: { readonly webhook: Webhook }): VNode {
  const { is_enabled, disabled_reason, failing_since } = webhook;
  if (!is_enabled)
    return html`<${Badge} tone=${disabled_reason === "administrator" ? undefined : "danger"}>${t("webhooks.state_disabled")}<//>` as VNode;
  if (failing_since !== null) return html`<${Badge} tone="warning">${t("webhooks.state_failing")}<//>` as VNode;
  return html`<${Badge} tone="success">${t("webhooks.state_enabled")}<//>` as VNode;
}
