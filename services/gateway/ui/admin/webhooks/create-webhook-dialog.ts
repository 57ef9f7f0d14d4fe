import { html } from "htm/preact";
import type { VNode } from "preact";
import type { WebhookWithSecret } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.ts";
import type { Form } from "../../components/form.ts";
import { tenantApi } from "../access.ts";
import { bodyOf, valuesOf, WebhookFields, type WebhookValues } from "./webhook-fields.ts";

interface CreateProps {
  readonly onCreated: (webhook: WebhookWithSecret) => void;
  readonly onClose: () => void;
}

export function CreateWebhookDialog({ onCreated, onClose }: CreateProps): VNode {
  const create = async (values: WebhookValues) => {
    onCreated((await tenantApi.post<WebhookWithSecret>("admin/webhooks", bodyOf(values))).data);
  };
  const initial = valuesOf({ url: "", description: null, event_types: null });
  return html`<${ConfirmDialog} title=${t("webhooks.create")} text=${t("webhooks.create_text")} action=${t("webhooks.create")} initial=${initial} required=${["url"]}
    fields=${(form: Form<WebhookValues>) => html`<${WebhookFields} form=${form} />`} onConfirm=${create} onClose=${onClose} />` as VNode;
}
