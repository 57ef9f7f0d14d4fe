import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { ApiError } from "../../app/api-client.ts";
import type { User } from "../../app/api-types.ts";
import { formatDate, t } from "../../app/messages.ts";
import { Button } from "../../components/button.ts";
import { Card } from "../../components/card.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.ts";
import { toast } from "../../components/feedback.ts";
import { TextField } from "../../components/field.ts";
import type { Form } from "../../components/form.ts";
import { may, tenantApi } from "../access.ts";

interface SubscriptionProps {
  readonly user: User;
  readonly onChange: (user: User) => void;
  readonly onReload: () => Promise<unknown>;
}

/** The subscription of the account, which administrators can grant, change and end. */
export function AccountSubscriptionCard(props: SubscriptionProps): VNode {
  const { user } = props;
  const open = useSignal<"change" | "end" | null>(null);
  const { tier, plan, expires_at } = user.subscription;
  const isPremium = tier === "premium";
  const mayChange = may("users:write") && user.deleted_at === null;
  const until =
    expires_at === null ? t("subscription.no_end") : t("subscription.until", { date: formatDate(expires_at) });
  const close = () => {
    open.value = null;
  };
  const action =
    mayChange &&
    html`<${Button} small onClick=${() => (open.value = "change")}>${t(isPremium ? "subscription.change" : "subscription.give")}<//>`;
  return html`<${Card} title=${t("account.subscription")} action=${action}>
    <p>${isPremium ? html`<strong>${plan ?? t("account_state.premium")}</strong> · ${until}` : t("account.basic")}</p>
    ${isPremium && mayChange && html`<div class="row form-actions"><${Button} small kind="danger-quiet" onClick=${() => (open.value = "end")}>${t("subscription.end")}<//></div>`}
    ${open.value === "change" && html`<${ChangeDialog} ...${props} onClose=${close} />`}
    ${open.value === "end" && html`<${EndDialog} ...${props} onClose=${close} />`}
  <//>` as VNode;
}

type DialogProps = SubscriptionProps & { readonly onClose: () => void };
/** `expires_at` is a date here; it is called as in the API, so that a refused one is shown at its field. */
type Values = { plan: string; expires_at: string };

function ChangeDialog(props: DialogProps): VNode {
  const { plan, expires_at } = props.user.subscription;
  const initial = { plan: plan ?? "", expires_at: expires_at === null ? "" : localDate(new Date(expires_at)) };
  const change = (values: Values) => {
    const plan = values.plan.trim();
    return send(props, { ...(plan !== "" && { plan }), expires_at: endOfDay(values.expires_at) });
  };
  const fields = (form: Form<Values>) => html`
    <${TextField} form=${form} name="plan" label=${t("subscription.plan")} autocomplete="off" optional maxLength=${100} />
    <${TextField} form=${form} name="expires_at" type="date" label=${t("subscription.expires")} hint=${t("subscription.expires_hint")} autocomplete="off" optional />`;
  return html`<${ConfirmDialog} title=${t("account.subscription")} action=${t("save")} initial=${initial} fields=${fields}
    onConfirm=${change} onReload=${reloadAndClose(props)} onClose=${props.onClose} />` as VNode;
}

function EndDialog(props: DialogProps): VNode {
  return html`<${ConfirmDialog} title=${t("subscription.end_title")} text=${t("subscription.end_text")} action=${t("subscription.end")} danger
    onConfirm=${() => send(props, null)} onReload=${reloadAndClose(props)} onClose=${props.onClose} />` as VNode;
}

async function send({ user, onChange }: SubscriptionProps, subscription: object | null): Promise<void> {
  const { data } = await tenantApi.patch<User>(`admin/users/${user.id}`, { subscription }, user);
  toast(t("saved"));
  onChange(data);
}

const reloadAndClose =
  ({ onReload, onClose }: DialogProps) =>
  () =>
    onReload().then(onClose);

/** `2026-11-29`, in the administrator's time zone, as date fields have it. */
function localDate(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

const LATEST = Date.parse("9999-12-31T23:59:59Z");

/** The subscription lasts through its last day. A date field accepts years of six digits, the API those of four. */
function endOfDay(date: string): string | null {
  if (date === "") return null;
  const end = new Date(`${date}T23:59:59`);
  if (end.getTime() <= LATEST) return end.toISOString();
  const message = t("subscription.too_late");
  throw new ApiError(422, { errors: [{ field: "expires_at", code: "too_late", message }] });
}
