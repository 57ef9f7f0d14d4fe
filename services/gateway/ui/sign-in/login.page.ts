import { html } from "htm/preact";
import type { VNode } from "preact";
import { ApiError, describeError } from "../app/api-client.ts";
import { t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { linkTo } from "../app/return-to.ts";
import { Button } from "../components/button.ts";
import { Alert } from "../components/feedback.ts";
import { PasswordField, TextField } from "../components/field.ts";
import { FormView, useForm } from "../components/form.ts";
import { SignInFrame } from "./frame.ts";
import { continueFromProvider, Providers } from "./providers.ts";
import { enterWithPassword } from "./sign-in.ts";

function LoginPage(): VNode {
  const form = useForm({ login: "", password: "" }, ["login", "password"]);
  const forgot = html`<a href=${linkTo("/forgot-password")}>${t("login.forgot")}</a>`;
  const aside = html`${t("login.no_account")} <a href=${linkTo("/register")}>${t("login.register")}</a>`;
  const send = ({ login, password }: { login: string; password: string }) => {
    const name = login.trim();
    return enterWithPassword(name.includes("@") ? { email: name } : { username: name }, password);
  };
  return html`<${SignInFrame} title=${t("login.title")} text=${t("login.text")} aside=${aside}>
    <div class="stack">
      <${Notice} />
      <${Providers} />
      <${FormView} form=${form} onSend=${send}>
        <${TextField} form=${form} name="login" label=${t("login.login")} autocomplete="username" inputMode="email" autofocus spellcheck=${false} />
        <${PasswordField} form=${form} name="password" label=${t("login.password")} autocomplete="current-password" aside=${forgot} />
        <${Button} kind="primary" type="submit" wide busy=${form.busy.value}>${t("login.submit")}<//>
      <//>
    </div>
  <//>` as VNode;
}

const notices = { session_ended: "warning", signed_out: "success", deleted: "success" } as const;

/** Why the reader is here, if they did not come by themselves. */
function Notice(): VNode | null {
  const query = new URLSearchParams(location.search);
  const error = query.get("error");
  if (error !== null)
    return html`<${Alert} tone="danger">${describeError(new ApiError(400, { code: error }))}<//>` as VNode;
  const reason = query.get("reason") as keyof typeof notices | null;
  const tone = reason === null ? undefined : notices[reason];
  return tone === undefined ? null : (html`<${Alert} tone=${tone}>${t(`login.${reason}`)}<//>` as VNode);
}

if (!continueFromProvider()) mount(LoginPage);
