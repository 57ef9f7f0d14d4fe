import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { ApiError, request } from "../app/api-client.ts";
import type { User } from "../app/api-types.ts";
import { pathTo } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { linkTo } from "../app/return-to.ts";
import { asUser, mayBeSignedIn } from "../app/session.ts";
import { Button } from "../components/button.ts";
import { PasswordField } from "../components/field.ts";
import { FormView, useForm } from "../components/form.ts";
import { PasswordRules } from "../components/password-rules.ts";
import { SignInFrame } from "./frame.ts";
import { forgetMailedToken, takeMailedToken } from "./mailed-token.ts";
import { Outcome } from "./outcome.ts";

const token = takeMailedToken();

/** `new_password`: the owner of the mailbox did not register the account, or forgot its password. */
type State = "confirm" | "password" | "new_password" | "verified" | "already" | "invalid";

/** Opening the link verifies nothing, because mail scanners open links: the button does. */
function VerifyEmailPage(): VNode {
  const state = useSignal<State>(token === "" ? "invalid" : "confirm");
  const allowsNew = useSignal(false);
  const form = useForm({ password: "", new_password: "" });
  const send = async (values: { password: string; new_password: string }) => {
    const asked = state.value === "password" || state.value === "new_password" ? state.value : null;
    if (asked && values[asked] === "") return form.refuse({ [asked]: t("field.required") });
    const { next, canChooseNew } = await verify(asked ? { token, [asked]: values[asked] } : { token });
    allowsNew.value = canChooseNew;
    state.value = next;
  };
  if (state.value === "verified" || state.value === "already")
    return html`<${SignInFrame}><${Verified} title=${t(state.value === "verified" ? "verify.done" : "verify.already")} /><//>` as VNode;
  if (state.value === "invalid") return html`<${SignInFrame}><${Invalid} /><//>` as VNode;
  const asksPassword = state.value === "password";
  const asksNew = state.value === "new_password";
  const rules = html`<${PasswordRules} password=${form.values.value.new_password} />`;
  return html`<${SignInFrame} title=${t("verify.title")} text=${textOf(state.value)}>
    <${FormView} form=${form} onSend=${send}>
      ${asksPassword && html`<${PasswordField} form=${form} name="password" label=${t("login.password")} autocomplete="current-password" autofocus />`}
      ${asksNew && html`<${PasswordField} form=${form} name="new_password" label=${t("reset.new_password")} autocomplete="new-password" autofocus hint=${rules} />`}
      <${Button} kind="primary" type="submit" wide busy=${form.busy.value}>${t("verify.submit")}<//>
      ${asksPassword && allowsNew.value && html`<${Button} kind="quiet" wide onClick=${() => (state.value = "new_password")}>${t("verify.choose_new")}<//>`}
    <//>
  <//>` as VNode;
}

function textOf(state: State): string {
  if (state === "password") return t("verify.password_text");
  return state === "new_password" ? t("verify.new_password_text") : t("verify.text");
}

interface Verification {
  readonly next: State;
  /** Whether a new password may be chosen instead of the account's. Not for a changed address. */
  readonly canChooseNew: boolean;
}

/** Throws what the form should show. */
async function verify(body: object): Promise<Verification> {
  try {
    await request("POST", "auth/verify-email", { body });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "password_required")
      return { next: "password", canChooseNew: error.fields.some(({ field }) => field === "new_password") };
    if (error.code !== "token_invalid") throw error;
    forgetMailedToken();
    return { next: (await isVerified()) ? "already" : "invalid", canChooseNew: false };
  }
  rememberVerified();
  forgetMailedToken();
  return { next: "verified", canChooseNew: false };
}

const VERIFIED_KEY = "usermesh.verified";
/** The token's id. Unlike the token, it proves nothing. */
const tokenId = token.split(".")[2] ?? "";

function rememberVerified(): void {
  try {
    localStorage.setItem(VERIFIED_KEY, tokenId);
  } catch {
    // Storage may be forbidden. A second opening of the link then says that it is not valid.
  }
}

/** People open a link twice. If it was this browser that verified the address, or the account is signed in, we can say so. */
async function isVerified(): Promise<boolean> {
  try {
    if (tokenId !== "" && localStorage.getItem(VERIFIED_KEY) === tokenId) return true;
  } catch {
    // Storage may be forbidden.
  }
  if (!mayBeSignedIn()) return false;
  const account = await asUser<{ user: User }>("GET", "auth/me").catch(() => null);
  return account?.data.user.is_verified ?? false;
}

function Verified({ title }: { readonly title: string }): VNode {
  return html`<${Outcome} tone="success" icon="check" title=${title} text=${t("verify.done_text")}>
    <${Button} kind="primary" wide href=${pathTo("/account")}>${t("verify.continue")}<//>
  <//>` as VNode;
}

function Invalid(): VNode {
  return html`<${Outcome} tone="warning" icon="link" title=${t("link.invalid")} text=${t("verify.invalid_text")}>
    <${Button} kind="primary" wide href=${linkTo("/login")}>${t("verify.sign_in")}<//>
  <//>` as VNode;
}

mount(VerifyEmailPage);
