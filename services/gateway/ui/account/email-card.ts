import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { describeError } from "../app/api-client.ts";
import type { User } from "../app/api-types.ts";
import { t } from "../app/messages.ts";
import { api } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { Dialog } from "../components/dialog.ts";
import { Alert, Badge, toast } from "../components/feedback.ts";
import { PasswordField, TextField } from "../components/field.ts";
import { FormView, useForm } from "../components/form.ts";
import { Loaded } from "../components/loaded.ts";
import { account, show } from "./account-data.ts";

/** The address of the account, whether it is verified, and the one that is to replace it. */
export function EmailCard(): VNode {
  const isOpen = useSignal(false);
  const change = html`<${Button} small onClick=${() => (isOpen.value = true)}>${t("email.change")}<//>`;
  return html`<${Card} title=${t("email.title")} text=${t("email.text")} action=${change}>
    <${Loaded} resource=${account} lines=${2} render=${(user: User) => html`<${Address} user=${user} />`} />
    ${isOpen.value && html`<${ChangeDialog} onClose=${() => (isOpen.value = false)} />`}
  <//>` as VNode;
}

function Address({ user }: { readonly user: User }): VNode {
  const failure = useSignal<string | null>(null);
  const resend = async () => {
    try {
      await api.post("auth/verify-email-request");
      toast(t("email.sent"));
    } catch (error) {
      failure.value = describeError(error);
    }
  };
  const badge = user.is_verified
    ? html`<${Badge} tone="success">${t("email.verified")}<//>`
    : html`<${Badge} tone="warning">${t("email.unverified")}<//>`;
  return html`<div class="stack">
    <div class="row"><strong class="break">${user.email}</strong>${badge}</div>
    ${user.pending_email && html`<${Alert} tone="info">${t("email.pending", { email: user.pending_email })}<//>`}
    ${!user.is_verified && html`<div class="row"><${Button} small icon="mail" onClick=${resend}>${t("email.resend")}<//></div>`}
    ${failure.value !== null && html`<${Alert} tone="danger">${failure.value}<//>`}
  </div>` as VNode;
}

function ChangeDialog({ onClose }: { readonly onClose: () => void }): VNode {
  const form = useForm({ email: "", current_password: "" }, ["email"]);
  const send = async ({ email, current_password }: { email: string; current_password: string }) => {
    const body = { email: email.trim(), ...(current_password !== "" && { current_password }) };
    show(account, (await api.patch<User>("users/me", body)).data);
    onClose();
    toast(t("email.change_sent"));
  };
  return html`<${Dialog} title=${t("email.change")} onClose=${onClose}>
    <p class="muted">${t("email.change_text")}</p>
    <${FormView} form=${form} onSend=${send}>
      <${TextField} form=${form} name="email" type="email" label=${t("email.new")} autocomplete="email" autofocus maxLength=${255} />
      <${PasswordField} form=${form} name="current_password" label=${t("password.current")} autocomplete="current-password" />
      <div class="dialog-actions">
        <${Button} onClick=${onClose}>${t("cancel")}<//>
        <${Button} kind="primary" type="submit" busy=${form.busy.value}>${t("email.change")}<//>
      </div>
    <//>
  <//>` as VNode;
}
