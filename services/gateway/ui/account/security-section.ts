import { html } from "htm/preact";
import type { VNode } from "preact";
import { t } from "../app/messages.ts";
import { api } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { Card } from "../components/card.ts";
import { toast } from "../components/feedback.ts";
import { PasswordField } from "../components/field.ts";
import { FormView, useForm } from "../components/form.ts";
import { PasswordRules } from "../components/password-rules.ts";
import { account, sessions } from "./account-data.ts";
import { IdentitiesCard } from "./identities-card.ts";
import { SessionsCard } from "./sessions-card.ts";

export function SecuritySection(): VNode {
  return html`<div class="console-cards">
    <${Card} title=${t("password.title")} text=${t("password.text")}><${PasswordForm} /><//>
    <${SessionsCard} />
    <${IdentitiesCard} />
  </div>` as VNode;
}

const empty = { current_password: "", new_password: "" };

function PasswordForm(): VNode {
  const form = useForm(empty, ["current_password", "new_password"]);
  const send = async (values: typeof empty) => {
    await api.post("auth/change-password", values);
    form.values.value = empty;
    toast(t("password.changed"));
    await sessions.load();
  };
  const rules = html`<${PasswordRules} password=${form.values.value.new_password} />`;
  // Password managers find out by it which account the new password belongs to.
  const username = html`<input class="visually-hidden" type="text" autocomplete="username" tabindex="-1" aria-hidden="true" readonly value=${account.data.value?.email ?? ""} />`;
  return html`<${FormView} form=${form} onSend=${send}>
    ${username}
    <div class="form-grid">
      <${PasswordField} form=${form} name="current_password" label=${t("password.current")} autocomplete="current-password" />
      <${PasswordField} form=${form} name="new_password" label=${t("password.new")} autocomplete="new-password" hint=${rules} />
    </div>
    <div class="row form-actions"><${Button} kind="primary" type="submit" busy=${form.busy.value}>${t("password.submit")}<//></div>
  <//>` as VNode;
}
