import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { Role, User } from "../../app/api-types.ts";
import { pathTo } from "../../app/config.ts";
import { formatDateTime, formatRelative, t } from "../../app/messages.ts";
import { changeQuery, followLink, goTo, query } from "../../app/router.ts";
import { Avatar } from "../../components/avatar.ts";
import { Button } from "../../components/button.ts";
import { ConsoleHead } from "../../components/console.ts";
import { type Column, Table } from "../../components/table.ts";
import { may, tenantApi } from "../access.ts";
import { Listing } from "../listing.ts";
import { usePages } from "../pages.ts";
import { SearchField, Select } from "../toolbar.ts";
import { AccountBadges, displayName } from "./account-badges.ts";
import { AddAccountDialog } from "./add-account-dialog.ts";

const PAGE_SIZE = 20;
const statuses = ["active", "inactive", "verified", "unverified", "deleted"] as const;
const sorts = ["-created_at", "created_at", "-last_login_at", "last_login_at"] as const;

/** The accounts of the tenant. The filters are in the URL. */
export function AccountsSection(): VNode {
  const isAdding = useSignal(false);
  const roles = useRoleNames();
  const { q, status, role, sort } = readFilters();
  const pages = usePages<User>([q, status, role, sort].join("\n"), (cursor, signal) =>
    tenantApi.get("admin/users", { limit: PAGE_SIZE, search: q, status, role, sort, cursor }, signal),
  );
  const isFiltered = q !== "" || status !== "" || role !== "";
  const empty = isFiltered
    ? { title: t("accounts.none_found"), text: t("accounts.none_found_text") }
    : { title: t("accounts.none"), text: t("accounts.none_text") };
  return html`<${ConsoleHead} title=${t("admin.accounts")} text=${t("accounts.text")}>
      ${may("users:write") && html`<${Button} kind="primary" icon="plus" onClick=${() => (isAdding.value = true)}>${t("add_account.button")}<//>`}
    <//>
    <section class="card" aria-label=${t("admin.accounts")}>
      <div class="toolbar" role="search">
        <${SearchField} label=${t("accounts.search")} value=${q} onSearch=${(value: string) => changeQuery({ q: value })} />
        <${Select} label=${t("accounts.status")} value=${status} onChange=${(value: string) => changeQuery({ status: value })}
          options=${["", ...statuses].map((value) => ({ value, label: t(`accounts.status_${value || "any"}`) }))} />
        ${
          roles.length > 0 &&
          html`<${Select} label=${t("accounts.role")} value=${role} onChange=${(value: string) => changeQuery({ role: value })}
          options=${[{ value: "", label: t("accounts.role_any") }, ...roles.map((value) => ({ value, label: value }))]} />`
        }
        <${Select} label=${t("accounts.sort")} value=${sort} onChange=${(value: string) => changeQuery({ sort: value })}
          options=${sorts.map((value) => ({ value, label: t(`accounts.sort_${value.replace("-", "latest_")}`) }))} />
      </div>
      <${Listing} pages=${pages} icon="users" empty=${empty} countOf=${(total: number) => t("accounts.count", { total })}
        render=${(items: readonly User[]) => html`<${Table} label=${t("admin.accounts")} columns=${columns()} rows=${items} keyOf=${(one: User) => one.id} busy=${pages.isLoading.value} />`} />
    </section>
    ${isAdding.value && html`<${AddAccountDialog} roles=${roles} onClose=${() => (isAdding.value = false)} onAdded=${(user: User) => goTo(pathTo(`/admin/accounts/${user.id}`))} />`}` as VNode;
}

function readFilters() {
  const params = new URLSearchParams(query.value);
  const read = (name: string) => params.get(name) ?? "";
  return { q: read("q"), status: read("status"), role: read("role"), sort: read("sort") || sorts[0] };
}

/** Empty until they are read, and for administrators who may not read them. */
function useRoleNames(): readonly string[] {
  const names = useSignal<readonly string[]>([]);
  useEffect(() => {
    if (!may("roles:read")) return;
    tenantApi.get<readonly Role[]>("admin/roles").then(
      ({ data }) => {
        names.value = data.map(({ name }) => name).filter((name) => name !== "user");
      },
      () => undefined,
    );
  }, []);
  return names.value;
}

function columns(): ReadonlyArray<Column<User>> {
  return [
    { name: "account", label: t("accounts.account"), cell: (user) => html`<${AccountLink} user=${user} />` },
    {
      name: "status",
      label: t("accounts.status"),
      cell: (user) => html`<div class="badges"><${AccountBadges} user=${user} /></div>`,
    },
    { name: "roles", label: t("accounts.roles"), minor: true, cell: ({ roles }) => rolesText(roles) },
    {
      name: "seen",
      label: t("accounts.last_login"),
      minor: true,
      cell: ({ last_login_at }) => timeCell(last_login_at),
    },
    { name: "created", label: t("accounts.created"), minor: true, cell: ({ created_at }) => timeCell(created_at) },
  ];
}

function AccountLink({ user }: { readonly user: User }): VNode {
  return html`<div class="account-cell">
    <${Avatar} user=${user} size=${32} />
    <div><a class="row-link" href=${pathTo(`/admin/accounts/${user.id}`)} onClick=${followLink}>${displayName(user)}</a><span class="account-mail">${user.email}</span></div>
  </div>` as VNode;
}

function rolesText(roles: readonly string[]): string {
  const more = roles.filter((role) => role !== "user");
  return more.length === 0 ? "–" : more.join(", ");
}

function timeCell(iso: string | null): VNode | string {
  if (iso === null) return t("accounts.never");
  return html`<time class="numeric" datetime=${iso} title=${formatDateTime(iso)}>${formatRelative(iso)}</time>` as VNode;
}
