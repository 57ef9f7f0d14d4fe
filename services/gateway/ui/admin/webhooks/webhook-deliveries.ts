import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { describeError } from "../../app/api-client.ts";
import type { Webhook, WebhookDelivery } from "../../app/api-types.ts";
import { formatDateTime, formatNumber, formatRelative, hasMessage, t } from "../../app/messages.ts";
import { changeQuery, query } from "../../app/router.ts";
import { describeActivity } from "../../components/activity.ts";
import { Button } from "../../components/button.ts";
import { Alert, Badge, toast } from "../../components/feedback.ts";
import { Icon } from "../../components/icons.ts";
import { may, tenantApi } from "../access.ts";
import { useInterval } from "../interval.ts";
import { Listing } from "../listing.ts";
import { usePages } from "../pages.ts";
import { Select } from "../toolbar.ts";

const PAGE_SIZE = 20;
const REFRESH_MS = 4_000;
const states = ["pending", "delivered", "failed"] as const;

interface DeliveriesProps {
  readonly webhook: Webhook;
  /** Changes when a message has been requested. */
  readonly sent: number;
}

/** The messages of the last 30 days. Those that failed for good are the dead letters of the webhook. */
export function WebhookDeliveries({ webhook: { id, is_enabled }, sent }: DeliveriesProps): VNode {
  const state = new URLSearchParams(query.value).get("state") ?? "";
  const failure = useSignal<string | null>(null);
  const path = `admin/webhooks/${id}/deliveries`;
  const pages = usePages<WebhookDelivery>(`${id} ${state} ${sent}`, (cursor, signal) =>
    tenantApi.get(path, { limit: PAGE_SIZE, state, cursor }, signal),
  );
  useInterval(() => pages.number === 1 && pages.reload(), REFRESH_MS);
  const redeliver = async (delivery: WebhookDelivery) => {
    failure.value = null;
    try {
      await tenantApi.post(`${path}/${delivery.id}/redeliver`);
      toast(t("webhooks.redelivered"));
    } catch (error) {
      failure.value = describeError(error);
    }
    pages.reload();
  };
  const mayRedeliver = is_enabled && may("webhooks:write");
  const empty = { title: t("webhooks.no_messages"), text: t(`webhooks.no_messages_${state || "any"}`) };
  return html`<section class="card" aria-labelledby="messages-title">
    <header class="card-head"><h2 id="messages-title">${t("webhooks.messages")}</h2><p>${t("webhooks.messages_text")}</p></header>
    <div class="toolbar"><${Select} label=${t("accounts.status")} value=${state} onChange=${(value: string) => changeQuery({ state: value })}
      options=${["", ...states].map((value) => ({ value, label: t(`webhooks.messages_${value || "any"}`) }))} /></div>
    ${failure.value !== null && html`<div class="card-body"><${Alert} tone="danger">${failure.value}<//></div>`}
    <${Listing} pages=${pages} icon="send" empty=${empty} countOf=${formatNumber}
      render=${(items: readonly WebhookDelivery[]) =>
        html`<ol class="list card-body">${items.map((one) => html`<${Delivery} key=${one.id} delivery=${one} onRedeliver=${mayRedeliver ? redeliver : undefined} />`)}</ol>`} />
  </section>` as VNode;
}

const tones = { pending: "accent", delivered: "success", failed: "danger" } as const;

interface DeliveryProps {
  readonly delivery: WebhookDelivery;
  readonly onRedeliver: ((delivery: WebhookDelivery) => Promise<void>) | undefined;
}

function Delivery({ delivery, onRedeliver }: DeliveryProps): VNode {
  const busy = useSignal(false);
  const { event_type, state, attempts, created_at, payload, message_id } = delivery;
  const send = async () => {
    busy.value = true;
    await onRedeliver?.(delivery);
    busy.value = false;
  };
  const problem = describeProblem(delivery);
  return html`<li class="list-row letter">
    <span class="list-icon"><${Icon} name=${state === "failed" ? "alert" : "send"} /></span>
    <div class="list-text">
      <strong>${nameOfType(event_type)} <${Badge} tone=${tones[state]}>${t(`webhooks.message_${state}`)}<//></strong>
      <span title=${formatDateTime(created_at)}>${[formatRelative(created_at), attempts > 0 && t("queues.attempts", { count: attempts }), describeAnswer(delivery)].filter(Boolean).join(" · ")}</span>
      ${problem !== null && html`<p class="reason">${problem}</p>`}
      <details><summary>${t("queues.look")}</summary><pre tabindex="0">${JSON.stringify(payload, null, 2)}</pre><p class="muted small break">${t("webhooks.message_id", { id: message_id })}</p></details>
    </div>
    ${onRedeliver && html`<div class="row letter-actions"><${Button} small busy=${busy.value} onClick=${send}>${t("webhooks.redeliver")}<//></div>`}
  </li>` as VNode;
}

function nameOfType(type: string): string {
  return type === "webhook.test" ? t("webhooks.test_message") : describeActivity(type);
}

function describeAnswer({ status_code, duration_ms }: WebhookDelivery): string | null {
  if (status_code === null || duration_ms === null) return null;
  return t("webhooks.answered", { status: String(status_code), ms: duration_ms });
}

/** Why the latest attempt failed; codes without a text, such as those of Node.js, are shown as they are. */
function describeProblem({ error }: WebhookDelivery): string | null {
  if (error === null || error.startsWith("http_")) return null;
  const key = `webhooks.error_${error.toLowerCase()}`;
  return hasMessage(key) ? t(key) : error;
}
