import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Webhook } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import type { Resource } from "../../app/resource.ts";
import { Button } from "../../components/button.ts";
import { Card } from "../../components/card.ts";
import { toast } from "../../components/feedback.ts";
import { FormView } from "../../components/form.ts";
import { useResourceForm } from "../../components/resource-form.ts";
import { tenantApi } from "../access.ts";
import { bodyOf, valuesOf, WebhookFields, type WebhookValues } from "./webhook-fields.ts";

/** Where the messages go, and which events they report. */
export function WebhookSettings({ resource }: { readonly resource: Resource<Webhook> }): VNode {
  const { form, base, fill, reload } = useResourceForm(resource, valuesOf, ["url"]);
  const send = async (values: WebhookValues) => {
    const { data } = await tenantApi.patch<Webhook>(`admin/webhooks/${base.value.id}`, bodyOf(values), base.value);
    resource.data.value = data;
    fill(data);
    toast(t("saved"));
  };
  return html`<${Card} title=${t("webhooks.settings")}>
    <${FormView} form=${form} onSend=${send} onReload=${reload}>
      <${WebhookFields} form=${form} />
      <div class="row form-actions"><${Button} type="submit" busy=${form.busy.value}>${t("save")}<//></div>
    <//>
  <//>` as VNode;
}
