import { html } from "htm/preact";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Tenant } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { formatDateTime, t } from "../../app/messages.ts";
import { createResource, type Resource } from "../../app/resource.ts";
import { followLink } from "../../app/router.ts";
import { api } from "../../app/session.ts";
import { ConsoleHead } from "../../components/console.ts";
import { Alert } from "../../components/feedback.ts";
import { Icon } from "../../components/icons.ts";
import { Loaded } from "../../components/loaded.ts";
import { access, actIn, actingTenant } from "../access.ts";
import { TenantActions } from "./tenant-actions.ts";
import { TenantSettings } from "./tenant-settings.ts";

/** One tenant with its settings. */
export function TenantSection({ id = "" }: { readonly id?: string }): VNode {
  const tenant = useMemo(() => createResource(async () => (await api.get<Tenant>(`admin/tenants/${id}`)).data), [id]);
  return html`${tenant.data.value === null && html`<${ConsoleHead} title=${t("tenants.one")} trail=${html`<${Trail} />`} />`}
    <${Loaded} resource=${tenant} lines=${8} render=${(data: Tenant) => html`<${Shown} tenant=${data} resource=${tenant} />`} />` as VNode;
}

function Trail(): VNode {
  return html`<a class="trail" href=${pathTo("/admin/tenants")} onClick=${followLink}><${Icon} name="chevron-left" size=${16} />${t("admin.tenants")}</a>` as VNode;
}

interface ShownProps {
  readonly tenant: Tenant;
  readonly resource: Resource<Tenant>;
}

function Shown({ tenant, resource }: ShownProps): VNode {
  // Platform administrators have their accounts in the default tenant.
  const isOwn = access.data.value?.user.tenant_id === tenant.id;
  const show = (changed: Tenant) => {
    if (actingTenant.value?.slug === tenant.slug) actIn({ slug: changed.slug, name: changed.name });
    resource.data.value = changed;
  };
  const changing = { tenant, onChange: show, onReload: () => resource.load() };
  return html`<${ConsoleHead} title=${tenant.name} trail=${html`<${Trail} />`}>
      ${!isOwn && html`<${TenantActions} ...${changing} />`}
    <//>
    <div class="console-cards">
      <${StateNotice} tenant=${tenant} />
      <${TenantSettings} resource=${resource} onChange=${show} hasFixedSlug=${isOwn} />
    </div>` as VNode;
}

function StateNotice({ tenant: { is_active, delete_at } }: Pick<ShownProps, "tenant">): VNode | null {
  if (is_active) return null;
  if (delete_at === null)
    return html`<${Alert} tone="warning" title=${t("tenant.disabled_title")}>${t("tenant.disabled_text")}<//>` as VNode;
  const text =
    Date.parse(delete_at) > Date.now()
      ? t("tenant.erased_on", { date: formatDateTime(delete_at) })
      : t("tenant.erasing");
  return html`<${Alert} tone="danger" title=${t("tenant.deleted_title")}>${text}<//>` as VNode;
}
