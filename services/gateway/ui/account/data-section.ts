import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { config, pathTo } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { api, endingSession } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { Dialog } from "../components/dialog.ts";
import { Alert } from "../components/feedback.ts";
import { PasswordField } from "../components/field.ts";
import { FormView, useForm } from "../components/form.ts";
import { Icon } from "../components/icons.ts";

export function DataSection(): VNode {
  const isOpen = useSignal(false);
  return html`<div class="console-cards">
    <${Card} title=${t("data.export")} text=${t("data.export_text")}>
      <a class="button button-secondary" href=${pathTo("/api/v1/users/me/export")} download><${Icon} name="download" size=${18} />${t("data.download")}</a>
    <//>
    <${Card} title=${t("data.delete")} text=${t("data.delete_text")}>
      <${Button} kind="danger-quiet" icon="trash" onClick=${() => (isOpen.value = true)}>${t("data.delete_button")}<//>
      ${isOpen.value && html`<${DeleteDialog} onClose=${() => (isOpen.value = false)} />`}
    <//>
  </div>` as VNode;
}

function DeleteDialog({ onClose }: { readonly onClose: () => void }): VNode {
  const form = useForm({ password: "", erase: false });
  const send = async ({ password, erase }: { password: string; erase: boolean }) => {
    const body = { ...(password !== "" && { password }), ...(erase && { erase }) };
    await endingSession(() => api.delete("users/me", body));
    location.assign(`${pathTo("/login")}?reason=deleted`);
    await new Promise(() => undefined);
  };
  const change = ({ target }: Event) => form.set("erase", (target as HTMLInputElement).checked);
  const undo = config.keepsDeleted ? "data.undo_kept" : "data.undo";
  return html`<${Dialog} title=${t("data.delete_title")} onClose=${onClose}>
    <${Alert} tone="warning">${t(form.values.value.erase ? "data.no_undo" : undo)}<//>
    <${FormView} form=${form} onSend=${send}>
      <${PasswordField} form=${form} name="password" label=${t("password.current")} autocomplete="current-password" hint=${t("data.password_hint")} />
      <div class="check"><input type="checkbox" id="erase" name="erase" checked=${form.values.value.erase} onChange=${change} />
        <label for="erase">${t("data.erase")}</label></div>
      <div class="dialog-actions">
        <${Button} onClick=${onClose}>${t("cancel")}<//>
        <${Button} kind="danger" type="submit" busy=${form.busy.value}>${t("data.delete_button")}<//>
      </div>
    <//>
  <//>` as VNode;
}
