import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Webhook } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { TextField } from "../../components/field.ts";
import type { Form } from "../../components/form.ts";
import { chosenEvents, EventFields, type EventValues, eventValues } from "./event-fields.ts";

export type WebhookValues = EventValues & { url: string; description: string };

export function valuesOf({
  url,
  description,
  event_types,
}: Pick<Webhook, "url" | "description" | "event_types">): WebhookValues {
  return { url, description: description ?? "", ...eventValues(event_types) };
}

/** Throws if no type of events is chosen. */
export function bodyOf(values: WebhookValues): Pick<Webhook, "url" | "description" | "event_types"> {
  return {
    url: values.url.trim(),
    description: values.description.trim() || null,
    event_types: chosenEvents(values),
  };
}

/** The fields of a webhook, for a new one and for one that is changed. */
export function WebhookFields({ form }: { readonly form: Form<WebhookValues> }): VNode {
  return html`
    <${TextField} form=${form} name="url" type="url" label=${t("webhooks.url")} hint=${t("webhooks.url_hint")} autocomplete="off" spellcheck=${false} maxLength=${500} />
    <${TextField} form=${form} name="description" label=${t("webhooks.description")} optional autocomplete="off" maxLength=${255} />
    <${EventFields} form=${form} />` as VNode;
}
