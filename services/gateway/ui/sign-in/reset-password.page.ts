import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { ApiError, request } from "../app/api-client.ts";
import { t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { linkTo } from "../app/return-to.ts";
import { Button } from "../components/button.ts";
import { PasswordField } from "../components/field.ts";
import { FormView, useForm } from "../components/form.ts";
import { PasswordRules } from "../components/password-rules.ts";
import { SignInFrame } from "./frame.ts";
import { forgetMailedToken, takeMailedToken } from "./mailed-token.ts";
import { Outcome } from "./outcome.ts";

const token = takeMailedToken();

function ResetPasswordPage(): VNode {
  const state = useSignal<"form" | "changed" | "invalid">(token === "" ? "invalid" : "form");
  const form = useForm({ new_password: "", unlink_providers: false }, ["new_password"]);
  const send = async (values: { new_password: string; unlink_providers: boolean }) => {
    try {
      await request("POST", "auth/password-reset-confirm", { body: { token, ...values } });
      state.value = "changed";
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "token_invalid") throw error;
      state.value = "invalid";
    }
    forgetMailedToken();
  };
  if (state.value === "changed") return html`<${SignInFrame}><${Changed} /><//>` as VNode;
  if (state.value === "invalid") return html`<${SignInFrame}><${Invalid} /><//>` as VNode;
  const rules = html`<${PasswordRules} password=${form.values.value.new_password} />`;
  const change = (event: Event) => form.set("unlink_providers", (event.currentTarget as HTMLInputElement).checked);
  return html`<${SignInFrame} title=${t("reset.title")} text=${t("reset.text")}>
    <${FormView} form=${form} onSend=${send}>
      <${PasswordField} form=${form} name="new_password" label=${t("reset.new_password")} autocomplete="new-password" autofocus hint=${rules} />
      <div class="check"><input type="checkbox" id="unlink_providers" name="unlink_providers" checked=${form.values.value.unlink_providers} onChange=${change} />
        <label for="unlink_providers">${t("reset.unlink_providers")}</label></div>
      <${Button} kind="primary" type="submit" wide busy=${form.busy.value}>${t("reset.submit")}<//>
    <//>
  <//>` as VNode;
}

function Changed(): VNode {
  return html`<${Outcome} tone="success" icon="check" title=${t("reset.done")} text=${t("reset.done_text")}>
    <${Button} kind="primary" wide href=${linkTo("/login")}>${t("login.submit")}<//>
  <//>` as VNode;
}

function Invalid(): VNode {
  return html`<${Outcome} tone="warning" icon="link" title=${t("link.invalid")} text=${t("reset.invalid_text")}>
    <${Button} kind="primary" wide href=${linkTo("/forgot-password")}>${t("reset.again")}<//>
  <//>` as VNode;
}

mount(ResetPasswordPage);
