import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Webhook, WebhookWithSecret } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { t } from "../../app/messages.ts";
import { goTo } from "../../app/router.ts";
import { Button } from "../../components/button.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.ts";
import { toast } from "../../components/feedback.ts";
import { tenantApi } from "../access.ts";
import { SecretDialog } from "./secret-dialog.ts";
import { nameOfWebhook } from "./webhook-texts.ts";

interface ActionsProps {
  readonly webhook: Webhook;
  readonly onChange: (webhook: Webhook) => void;
  /** A message is on its way. */
  readonly onSent: () => void;
}

type Action = "test" | "rotate" | "disable" | "enable" | "delete";

/** Buttons for what is done with the webhook as a whole. Each asks first. */
export function WebhookActions({ webhook, onChange, onSent }: ActionsProps): VNode {
  const open = useSignal<Action | null>(null);
  const secret = useSignal<WebhookWithSecret | null>(null);
  const path = `admin/webhooks/${webhook.id}`;
  // Without If-Match, because this must succeed although the webhook is changed meanwhile, such as by a failing receiver.
  const setEnabled = async (is_enabled: boolean) =>
    onChange((await tenantApi.patch<Webhook>(path, { is_enabled })).data);
  const actions: Readonly<Record<Action, () => Promise<unknown>>> = {
    test: () => tenantApi.post(`${path}/test`).then(onSent),
    disable: () => setEnabled(false),
    enable: () => setEnabled(true),
    rotate: async () => {
      const { data } = await tenantApi.post<WebhookWithSecret>(`${path}/rotate-secret`);
      const { secret: _, ...changed } = data;
      secret.value = data;
      onChange(changed);
    },
    delete: async () => {
      await tenantApi.delete(path);
      goTo(pathTo("/admin/webhooks"));
    },
  };
  const confirm = async (action: Action) => {
    await actions[action]();
    toast(t(`webhooks.${action}_done`));
  };
  const button = (action: Action, kind = "secondary", icon?: string) =>
    html`<${Button} kind=${kind} icon=${icon} onClick=${() => (open.value = action)}>${t(`webhooks.${action}`)}<//>`;
  const name = open.value;
  return html`${webhook.is_enabled && button("test", "secondary", "send")}
    ${button("rotate")}
    ${button(webhook.is_enabled ? "disable" : "enable")}
    ${button("delete", "danger-quiet")}
    ${
      name !== null &&
      html`<${ConfirmDialog} title=${t(`webhooks.${name}_title`, { name: nameOfWebhook(webhook) })} text=${t(`webhooks.${name}_text`)} action=${t(`webhooks.${name}`)}
        danger=${name === "disable" || name === "delete"} onConfirm=${() => confirm(name)} onClose=${() => (open.value = null)} />`
    }
    ${secret.value !== null && html`<${SecretDialog} webhook=${secret.value} onClose=${() => (secret.value = null)} />`}` as VNode;
}
