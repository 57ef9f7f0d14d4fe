import { html } from "htm/preact";
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import type { Tenant } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { t } from "../../app/messages.ts";
import type { Resource } from "../../app/resource.ts";
import { api } from "../../app/session.ts";
import { Button } from "../../components/button.ts";
import { toast } from "../../components/feedback.ts";
import { FormProblems, useForm } from "../../components/form.ts";
import { Icon } from "../../components/icons.ts";

interface LogoProps {
  readonly resource: Resource<Tenant>;
  readonly onChange: (tenant: Tenant) => void;
}

/** The logo with the buttons to change it. They take effect at once, unlike the fields of the form around them. */
export function TenantLogo({ resource, onChange }: LogoProps): VNode {
  const tenant = resource.data.value as Tenant;
  const path = `admin/tenants/${tenant.id}`;
  const form = useForm({});
  const input = useRef<HTMLInputElement>(null);
  const upload = form.submit(async () => {
    const file = input.current?.files?.[0];
    if (!file) return;
    const body = new FormData();
    body.append("file", file);
    const { data } = await api.upload<Tenant>(`${path}/logo`, body, tenant);
    toast(t("tenants.logo_saved"));
    onChange(data);
  });
  const choose = async (event: Event) => {
    await upload(event);
    // So that choosing the same file again is a change.
    if (input.current) input.current.value = "";
  };
  const remove = form.submit(async () => {
    const { data } = await api.patch<Tenant>(path, { logo: null }, tenant);
    toast(t("tenants.logo_removed"));
    onChange(data);
  });
  const reload = async () => {
    await resource.load();
    form.isOutdated.value = false;
  };
  const refusal = form.errors.value.file;
  return html`<div class="stack-tight">
    <${FormProblems} form=${form} onReload=${reload} />
    <div class="logo-row">
      <${LogoImage} tenant=${tenant} />
      <div class="stack-tight" role="group" aria-labelledby="logo-label" aria-describedby="logo-hint">
        <span class="label" id="logo-label">${t("tenants.logo")}</span>
        <div class="row">
          <${Button} small icon="camera" busy=${form.busy.value} onClick=${() => input.current?.click()}>${t(tenant.logo === null ? "tenants.logo_upload" : "tenants.logo_change")}<//>
          ${tenant.logo !== null && html`<${Button} small kind="quiet" onClick=${remove}>${t("tenants.logo_remove")}<//>`}
        </div>
        ${refusal !== undefined && html`<p class="field-error" role="alert"><${Icon} name="alert" size=${16} />${refusal}</p>`}
        <p class="hint" id="logo-hint">${t("tenants.logo_hint")}</p>
      </div>
      <input ref=${input} type="file" name="file" accept="image/png,image/jpeg,image/gif,image/webp" hidden aria-label=${t("tenants.logo_upload")} onChange=${choose} />
    </div>
  </div>` as VNode;
}

/** On a white and a dark surface, because pages and mails have both. */
function LogoImage({ tenant: { slug, logo } }: { readonly tenant: Tenant }): VNode {
  if (logo === null)
    return html`<span class="logo-preview logo-none"><${Icon} name="building" size=${24} /></span>` as VNode;
  const url = pathTo(`/brand/${slug}-${logo}.png`);
  return html`<span class="logo-preview"><img src=${url} alt="" /></span><span class="logo-preview logo-dark"><img src=${url} alt="" /></span>` as VNode;
}
