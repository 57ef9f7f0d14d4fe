import { html } from "htm/preact";
import type { VNode } from "preact";
import { ApiError } from "../../app/api-client.ts";
import type { Tenant } from "../../app/api-types.ts";
import { formatDateTime, t } from "../../app/messages.ts";
import type { Resource } from "../../app/resource.ts";
import { api } from "../../app/session.ts";
import { Button } from "../../components/button.ts";
import { Card } from "../../components/card.ts";
import { toast } from "../../components/feedback.ts";
import { SelectField, TextField } from "../../components/field.ts";
import { FormView } from "../../components/form.ts";
import { useResourceForm } from "../../components/resource-form.ts";
import { TenantLogo } from "./tenant-logo.ts";

const numbers = ["max_users", "access_token_minutes", "refresh_token_days", "session_max_days"] as const;

function valuesOf({ name, slug, settings }: Tenant) {
  const text = (value: string | number | null | undefined) =>
    value === null || value === undefined ? "" : String(value);
  return {
    name,
    slug,
    brand_name: text(settings.brand_name),
    brand_color: text(settings.brand_color),
    registration: text(settings.registration),
    registration_domains: (settings.registration_domains ?? []).join(", "),
    upgrade: text(settings.upgrade),
    password_policy: text(settings.password_policy),
    max_users: text(settings.max_users),
    access_token_minutes: text(settings.access_token_minutes),
    refresh_token_days: text(settings.refresh_token_days),
    session_max_days: text(settings.session_max_days),
  };
}

type Values = ReturnType<typeof valuesOf>;

const isSetting = (key: string) => key !== "name" && key !== "slug";

function changesOf(values: Values, before: Values): object {
  const changed = (Object.keys(values) as Array<keyof Values>).filter((key) => values[key].trim() !== before[key]);
  const settings = changed.filter(isSetting).map((key) => [key, settingOf(key, values[key].trim())]);
  const others = changed.filter((key) => !isSetting(key)).map((key) => [key, values[key].trim()]);
  return { ...Object.fromEntries(others), ...(settings.length > 0 && { settings: Object.fromEntries(settings) }) };
}

function settingOf(key: keyof Values, text: string): unknown {
  if (text === "") return null;
  if (key === "registration_domains")
    return text
      .toLowerCase()
      .split(/[\s,;]+/)
      .filter(Boolean);
  return (numbers as readonly string[]).includes(key) ? Number(text) : text;
}

/** The API names a refused setting by its path, `settings.max_users`; the form by its name. */
function namingFields(error: unknown): never {
  if (!(error instanceof ApiError)) throw error;
  const errors = error.fields.map((one) => ({
    ...one,
    field: one.field.replace(/^settings\./, "").replace(/\.\d+$/, ""),
  }));
  throw new ApiError(error.status, { code: error.code, detail: error.message, errors }, error.retryAfter);
}

interface SettingsProps {
  readonly resource: Resource<Tenant>;
  /** The default tenant has a fixed short name. */
  readonly hasFixedSlug: boolean;
  readonly onChange: (tenant: Tenant) => void;
}

/** The name and the settings of a tenant. */
export function TenantSettings({ resource, hasFixedSlug, onChange }: SettingsProps): VNode {
  const { form, base, fill, reload } = useResourceForm(resource, valuesOf, ["name", "slug"]);
  const tenant = base.value;
  const send = async (values: Values) => {
    const body = changesOf(values, valuesOf(tenant));
    if (Object.keys(body).length === 0) return;
    const { data } = await api.patch<Tenant>(`admin/tenants/${tenant.id}`, body, tenant).catch(namingFields);
    toast(t("saved"));
    onChange(data);
    fill(data);
  };
  const choices = (name: string, values: readonly string[]) => [
    { value: "", label: t("tenants.standard") },
    ...values.map((value) => ({ value, label: t(`tenants.${name}_${value}`) })),
  ];
  const number = (name: keyof Values, hint?: string) =>
    html`<${TextField} form=${form} name=${name} label=${t(`tenants.${name}`)} hint=${hint} inputMode="numeric" autocomplete="off" />`;
  const color = form.values.value.brand_color.trim();
  const swatch = /^#[0-9a-f]{6}$/i.test(color) && html`<span class="swatch" style=${{ background: color }}></span>`;
  return html`<${FormView} form=${form} onSend=${send} onReload=${reload} class="console-cards">
    <${Card} title=${t("tenants.about")} text=${t("tenants.about_text")}>
      <div class="stack">
        <div class="form-grid">
          <${TextField} form=${form} name="name" label=${t("tenants.name")} autocomplete="off" maxLength=${255} />
          ${
            !hasFixedSlug &&
            html`<${TextField} form=${form} name="slug" label=${t("tenants.slug")} hint=${t("tenants.slug_change_hint")} autocomplete="off" spellcheck=${false} maxLength=${63} />`
          }
        </div>
        <dl class="facts">${hasFixedSlug && html`<div><dt>${t("tenants.slug")}</dt><dd><code>${tenant.slug}</code></dd></div>`}
          <div><dt>${t("tenants.id")}</dt><dd><code class="break">${tenant.id}</code></dd></div>
          <div><dt>${t("accounts.created")}</dt><dd>${formatDateTime(tenant.created_at)}</dd></div></dl>
      </div>
    <//>
    <${Card} title=${t("tenants.brand")} text=${t("tenants.brand_text")}>
      <div class="stack">
        <${TenantLogo} resource=${resource} onChange=${onChange} />
        <div class="form-grid">
          <${TextField} form=${form} name="brand_name" label=${t("tenants.brand_name")} autocomplete="off" maxLength=${100} />
          <${TextField} form=${form} name="brand_color" label=${t("tenants.brand_color")} hint=${t("tenants.brand_color_hint")} aside=${swatch} autocomplete="off" spellcheck=${false} maxLength=${7} />
        </div>
      </div>
    <//>
    <${Card} title=${t("tenants.entry")} text=${t("tenants.entry_text")}>
      <div class="form-grid">
        <${SelectField} form=${form} name="registration" label=${t("tenants.registration")} options=${choices("registration", ["open", "invited", "domains"])} />
        <${TextField} form=${form} name="registration_domains" label=${t("tenants.domains")} hint=${t("tenants.domains_hint")} autocomplete="off" spellcheck=${false} />
        ${number("max_users", t("tenants.max_users_hint"))}
        <${SelectField} form=${form} name="upgrade" label=${t("tenants.upgrade")} options=${choices("upgrade", ["self", "permission"])} />
      </div>
    <//>
    <${Card} title=${t("tenants.security")} text=${t("tenants.security_text")}>
      <div class="form-grid">
        <${SelectField} form=${form} name="password_policy" label=${t("tenants.password_policy")} options=${choices("policy", ["classic", "length", "nist"])} />
        ${number("access_token_minutes")} ${number("refresh_token_days")} ${number("session_max_days")}
      </div>
    <//>
    <div class="row form-actions"><${Button} kind="primary" type="submit" busy=${form.busy.value}>${t("save")}<//></div>
  <//>` as VNode;
}
