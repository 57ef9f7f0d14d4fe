import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { request } from "../app/api-client.ts";
import { t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { linkTo } from "../app/return-to.ts";
import { Button } from "../components/button.ts";
import { PasswordField, TextField } from "../components/field.ts";
import { FormView, useForm } from "../components/form.ts";
import { PasswordRules } from "../components/password-rules.ts";
import { SignInFrame } from "./frame.ts";
import { Outcome } from "./outcome.ts";
import { Providers } from "./providers.ts";
import { enterWithPassword, tenantHeader } from "./sign-in.ts";

function RegisterPage(): VNode {
  const sentTo = useSignal<string | null>(null);
  const form = useForm({ full_name: "", email: "", password: "" }, ["email", "password"]);
  const send = async (values: { full_name: string; email: string; password: string }) => {
    const email = values.email.trim();
    const full_name = values.full_name.trim();
    const body = { email, password: values.password, ...(full_name !== "" && { full_name }) };
    const { status } = await request("POST", "auth/register", { body, headers: tenantHeader() });
    // 202: the answer does not tell whether the address has an account already. Only its mailbox does.
    if (status !== 201 || !(await enterWithPassword({ email }, values.password).catch(() => false)))
      sentTo.value = email;
  };
  if (sentTo.value !== null) return html`<${SignInFrame}><${MailSent} email=${sentTo.value} /><//>` as VNode;
  const aside = html`${t("register.have_account")} <a href=${linkTo("/login")}>${t("login.submit")}</a>`;
  const rules = html`<${PasswordRules} password=${form.values.value.password} />`;
  return html`<${SignInFrame} title=${t("register.title")} text=${t("register.text")} aside=${aside}>
    <div class="stack">
      <${Providers} />
      <${FormView} form=${form} onSend=${send}>
        <${TextField} form=${form} name="full_name" label=${t("register.name")} autocomplete="name" optional maxLength=${255} />
        <${TextField} form=${form} name="email" type="email" label=${t("register.email")} autocomplete="email" maxLength=${255} />
        <${PasswordField} form=${form} name="password" label=${t("login.password")} autocomplete="new-password" hint=${rules} />
        <${Button} kind="primary" type="submit" wide busy=${form.busy.value}>${t("register.submit")}<//>
      <//>
    </div>
  <//>` as VNode;
}

function MailSent({ email }: { readonly email: string }): VNode {
  return html`<${Outcome} tone="info" icon="mail" title=${t("mail_sent.title")} text=${t("register.mail_sent", { email })}>
    <${Button} wide href=${linkTo("/login")}>${t("mail_sent.back")}<//>
  <//>` as VNode;
}

mount(RegisterPage);
