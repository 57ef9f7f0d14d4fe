import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Tenant } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { formatDate, t } from "../../app/messages.ts";
import { followLink, goTo } from "../../app/router.ts";
import { api } from "../../app/session.ts";
import { Button } from "../../components/button.ts";
import { ConfirmDialog } from "../../components/confirm-dialog.ts";
import { ConsoleHead } from "../../components/console.ts";
import { Badge, toast } from "../../components/feedback.ts";
import { TextField } from "../../components/field.ts";
import type { Form } from "../../components/form.ts";
import { type Column, Table } from "../../components/table.ts";
import { Listing } from "../listing.ts";
import { usePages } from "../pages.ts";

const PAGE_SIZE = 50;

/** The tenants of the installation. */
export function TenantsSection(): VNode {
  const isCreating = useSignal(false);
  // The API lists tenants by page number, which serves as the cursor here.
  const pages = usePages<Tenant>("", async (cursor, signal) => {
    const page = Number(cursor ?? 1);
    const reply = await api.get<readonly Tenant[]>("admin/tenants", { limit: PAGE_SIZE, page }, signal);
    return {
      ...reply,
      meta: reply.meta && { ...reply.meta, next_cursor: reply.meta.has_next ? String(page + 1) : null },
    };
  });
  return html`<${ConsoleHead} title=${t("admin.tenants")} text=${t("tenants.text")}>
      <${Button} kind="primary" icon="plus" onClick=${() => (isCreating.value = true)}>${t("tenants.create")}<//>
    <//>
    <section class="card" aria-label=${t("admin.tenants")}>
      <${Listing} pages=${pages} icon="building" empty=${{ title: t("tenants.none"), text: t("tenants.none_text") }} countOf=${(total: number) => t("tenants.count", { total })}
        render=${(items: readonly Tenant[]) => html`<${Table} label=${t("admin.tenants")} columns=${columns()} rows=${items} keyOf=${(one: Tenant) => one.id} busy=${pages.isLoading.value} />`} />
    </section>
    ${isCreating.value && html`<${CreateDialog} onClose=${() => (isCreating.value = false)} />`}` as VNode;
}

function columns(): ReadonlyArray<Column<Tenant>> {
  return [
    {
      name: "name",
      label: t("tenants.name"),
      cell: ({ id, name, slug }) =>
        html`<div class="account-cell"><div><a class="row-link" href=${pathTo(`/admin/tenants/${id}`)} onClick=${followLink}>${name}</a><span class="account-mail">${slug}</span></div></div>`,
    },
    { name: "status", label: t("accounts.status"), cell: (tenant) => html`<${StateBadge} tenant=${tenant} />` },
    {
      name: "registration",
      minor: true,
      label: t("tenants.registration"),
      cell: ({ settings }) => t(`tenants.registration_${settings.registration ?? "open"}`),
    },
    { name: "created", label: t("accounts.created"), minor: true, cell: ({ created_at }) => formatDate(created_at) },
  ];
}

function StateBadge({ tenant: { is_active, delete_at } }: { readonly tenant: Tenant }): VNode {
  if (delete_at !== null) return html`<${Badge} tone="danger">${t("account_state.deleted")}<//>` as VNode;
  if (!is_active) return html`<${Badge} tone="danger">${t("account_state.disabled")}<//>` as VNode;
  return html`<${Badge} tone="success">${t("account_state.active")}<//>` as VNode;
}

const initial = { name: "", slug: "", admin_email: "" };

function CreateDialog({ onClose }: { readonly onClose: () => void }): VNode {
  const create = async (values: typeof initial) => {
    const { data } = await api.post<Tenant>("admin/tenants", values);
    toast(t("tenants.created", { email: values.admin_email }));
    goTo(pathTo(`/admin/tenants/${data.id}`));
  };
  const fields = (form: Form<typeof initial>) => html`
    <${TextField} form=${form} name="name" label=${t("tenants.name")} autocomplete="off" maxLength=${255} />
    <${TextField} form=${form} name="slug" label=${t("tenants.slug")} hint=${t("tenants.slug_hint")} autocomplete="off" spellcheck=${false} maxLength=${63} />
    <${TextField} form=${form} name="admin_email" type="email" label=${t("tenants.admin_email")} autocomplete="off" spellcheck=${false} />`;
  return html`<${ConfirmDialog} title=${t("tenants.create")} text=${t("tenants.create_text")} action=${t("tenants.create")} initial=${initial}
    required=${["name", "slug", "admin_email"]} fields=${fields} onConfirm=${create} onClose=${onClose} />` as VNode;
}
