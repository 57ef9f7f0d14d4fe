import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import type { WebhookWithSecret } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { Button } from "../../components/button.ts";
import { Dialog } from "../../components/dialog.ts";
import { Alert } from "../../components/feedback.ts";

interface SecretProps {
  readonly webhook: WebhookWithSecret;
  readonly onClose: () => void;
}

/** The only place where a secret is shown. */
export function SecretDialog({ webhook: { secret, previous_secret_until }, onClose }: SecretProps): VNode {
  const isCopied = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const copy = async () => {
    field.current?.select();
    // Browsers offer the clipboard on https and on localhost only. Elsewhere the selected text can be copied by hand.
    await navigator.clipboard?.writeText(secret).then(
      () => (isCopied.value = true),
      () => undefined,
    );
  };
  return html`<${Dialog} title=${t("webhooks.secret")} onClose=${onClose}>
    <${Alert} tone="warning">${t("webhooks.secret_once")}<//>
    <p class="muted">${t(previous_secret_until === null ? "webhooks.secret_text" : "webhooks.secret_rotated_text")}</p>
    <div class="secret">
      <input ref=${field} class="input" readonly value=${secret} aria-label=${t("webhooks.secret")} onFocus=${() => field.current?.select()} />
      <${Button} icon=${isCopied.value ? "check" : "copy"} onClick=${copy}>${t(isCopied.value ? "webhooks.copied" : "webhooks.copy")}<//>
    </div>
    <p class="visually-hidden" role="status">${isCopied.value ? t("webhooks.copied") : ""}</p>
    <div class="dialog-actions"><${Button} kind="primary" onClick=${onClose}>${t("webhooks.secret_stored")}<//></div>
  <//>` as VNode;
}
