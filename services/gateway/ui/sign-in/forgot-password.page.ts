import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { request } from "../app/api-client.ts";
import { t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { linkTo } from "../app/return-to.ts";
import { Button } from "../components/button.ts";
import { TextField } from "../components/field.ts";
import { FormView, useForm } from "../components/form.ts";
import { SignInFrame } from "./frame.ts";
import { Outcome } from "./outcome.ts";
import { tenantHeader } from "./sign-in.ts";

function ForgotPasswordPage(): VNode {
  const sentTo = useSignal<string | null>(null);
  const form = useForm({ email: "" }, ["email"]);
  const send = async (values: { email: string }) => {
    const email = values.email.trim();
    await request("POST", "auth/password-reset-request", { body: { email }, headers: tenantHeader() });
    sentTo.value = email;
  };
  const back = html`<a href=${linkTo("/login")}>${t("mail_sent.back")}</a>`;
  if (sentTo.value !== null)
    return html`<${SignInFrame} aside=${back}>
      <${Outcome} tone="info" icon="mail" title=${t("mail_sent.title")} text=${t("forgot.mail_sent", { email: sentTo.value })} />
    <//>` as VNode;
  return html`<${SignInFrame} title=${t("forgot.title")} text=${t("forgot.text")} aside=${back}>
    <${FormView} form=${form} onSend=${send}>
      <${TextField} form=${form} name="email" type="email" label=${t("register.email")} autocomplete="username" autofocus maxLength=${255} />
      <${Button} kind="primary" type="submit" wide busy=${form.busy.value}>${t("forgot.submit")}<//>
    <//>
  <//>` as VNode;
}

mount(ForgotPasswordPage);
