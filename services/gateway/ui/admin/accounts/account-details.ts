import { html } from "htm/preact";
import type { VNode } from "preact";
import type { User } from "../../app/api-types.ts";
import { t } from "../../app/messages.ts";
import { Button } from "../../components/button.ts";
import { Card } from "../../components/card.ts";
import { toast } from "../../components/feedback.ts";
import { TextField } from "../../components/field.ts";
import { FormView, useForm } from "../../components/form.ts";
import { may, tenantApi } from "../access.ts";

const names = ["full_name", "username", "email", "current_title", "company", "location", "bio"] as const;
type Values = Record<(typeof names)[number], string>;

interface DetailsProps {
  readonly user: User;
  readonly onChange: (user: User) => void;
  readonly onReload: () => Promise<unknown>;
}

/** The fields of the account, for administrators who may change them. */
export function AccountDetailsCard(props: DetailsProps): VNode {
  const mayChange = may("users:write") && props.user.deleted_at === null;
  return html`<${Card} title=${t("account.details")} text=${t("account.details_text")}>
    ${mayChange ? html`<${DetailsForm} ...${props} />` : html`<${Details} user=${props.user} />`}
  <//>` as VNode;
}

function DetailsForm({ user, onChange, onReload }: DetailsProps): VNode {
  const before = Object.fromEntries(names.map((name) => [name, user[name] ?? ""])) as Values;
  const form = useForm<Values>(before, ["email"]);
  const send = async (values: Values) => {
    const changed = names.filter((name) => values[name].trim() !== before[name]);
    if (changed.length === 0) return;
    const body = Object.fromEntries(changed.map((name) => [name, values[name].trim() || null]));
    const { data } = await tenantApi.patch<User>(`admin/users/${user.id}`, body, user);
    toast(t("saved"));
    onChange(data);
  };
  const emailHint = form.values.value.email === user.email ? undefined : t("account.email_hint");
  const text = (name: keyof Values) =>
    html`<${TextField} form=${form} name=${name} label=${t(`account.${name}`)} autocomplete="off" maxLength=${255} />`;
  return html`<${FormView} form=${form} onSend=${send} onReload=${onReload}>
    <div class="form-grid">
      ${text("full_name")}
      <${TextField} form=${form} name="username" label=${t("account.username")} autocomplete="off" spellcheck=${false} maxLength=${50} />
      <div class="span-all"><${TextField} form=${form} name="email" type="email" label=${t("account.email")} autocomplete="off" spellcheck=${false} hint=${emailHint} /></div>
      ${text("current_title")} ${text("company")}
      <div class="span-all">${text("location")}</div>
      <div class="span-all"><${TextField} form=${form} name="bio" label=${t("account.bio")} multiline autocomplete="off" maxLength=${2_000} /></div>
    </div>
    <div class="row form-actions"><${Button} type="submit" busy=${form.busy.value}>${t("save")}<//></div>
  <//>` as VNode;
}

function Details({ user }: Pick<DetailsProps, "user">): VNode {
  const known = names.filter((name) => user[name] !== null && user[name] !== "");
  return html`<dl class="facts">${known.map((name) => html`<div><dt>${t(`account.${name}`)}</dt><dd class="break">${user[name]}</dd></div>`)}</dl>` as VNode;
}
