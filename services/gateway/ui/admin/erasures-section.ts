import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import type { ErasureEntry } from "../app/api-types.ts";
import { pathTo } from "../app/config.ts";
import { formatDateTime, formatNumber, formatRelative, t } from "../app/messages.ts";
import { changeQuery, followLink, query } from "../app/router.ts";
import { Button } from "../components/button.ts";
import { ConsoleHead } from "../components/console.ts";
import { Badge } from "../components/feedback.ts";
import { type Column, Table } from "../components/table.ts";
import { tenantApi } from "./access.ts";
import { ErasureDialog } from "./erasure-dialog.ts";
import { Listing } from "./listing.ts";
import { usePages } from "./pages.ts";
import { Select } from "./toolbar.ts";

const PAGE_SIZE = 20;

/** Deleted accounts on their way to erasure, and the certificates of those that are erased. */
export function ErasuresSection(): VNode {
  const state = new URLSearchParams(query.value).get("state") ?? "open";
  const shown = useSignal<ErasureEntry | null>(null);
  const pages = usePages<ErasureEntry>(state, (cursor, signal) =>
    tenantApi.get("admin/erasures", { limit: PAGE_SIZE, state, cursor }, signal),
  );
  return html`<${ConsoleHead} title=${t("admin.erasures")} text=${t("erasures.text")} />
    <section class="card" aria-label=${t("admin.erasures")}>
      <div class="toolbar"><${Select} label=${t("accounts.status")} value=${state} onChange=${(value: string) => changeQuery({ state: value })}
        options=${["open", "completed"].map((value) => ({ value, label: t(`erasures.${value}`) }))} /></div>
      <${Listing} pages=${pages} icon="trash" empty=${{ title: t("erasures.none"), text: t("erasures.none_text") }} countOf=${(total: number) => t("erasures.count", { total })}
        render=${(items: readonly ErasureEntry[]) => html`<${Table} label=${t("admin.erasures")} columns=${columns((one) => (shown.value = one))} rows=${items} keyOf=${(one: ErasureEntry) => one.id} busy=${pages.isLoading.value} />`} />
    </section>
    ${shown.value !== null && html`<${ErasureDialog} erasure=${shown.value} onClose=${() => (shown.value = null)} />`}` as VNode;
}

function columns(onShow: (erasure: ErasureEntry) => void): ReadonlyArray<Column<ErasureEntry>> {
  return [
    { name: "account", label: t("accounts.account"), cell: (one) => html`<${AccountName} erasure=${one} />` },
    { name: "state", label: t("accounts.status"), cell: (one) => html`<${State} erasure=${one} />` },
    {
      name: "requested",
      label: t("erasures.requested"),
      minor: true,
      cell: ({ requested_at }) => formatRelative(requested_at),
    },
    { name: "due", label: t("erasures.due"), minor: true, cell: ({ erase_at }) => formatDateTime(erase_at) },
    {
      name: "rows",
      label: t("erasures.rows"),
      minor: true,
      numeric: true,
      cell: ({ receipts }) => formatNumber(erasedRows(receipts)),
    },
    {
      name: "receipts",
      label: t("erasures.receipts"),
      cell: (one) =>
        html`<${Button} small onClick=${() => onShow(one)}>${t("erasures.show")}<span class="visually-hidden"> ${one.email ?? one.id}</span><//>`,
    },
  ];
}

function AccountName({ erasure: { email, user_id, id } }: { readonly erasure: ErasureEntry }): VNode {
  if (email === null)
    return html`<div class="account-cell"><div><span>${t("erasures.erased_account")}</span><span class="account-mail"><code>${id}</code></span></div></div>` as VNode;
  return html`<a class="row-link" href=${pathTo(`/admin/accounts/${user_id}`)} onClick=${followLink}>${email}</a>` as VNode;
}

function State({ erasure: { state, deadline, completed_at } }: { readonly erasure: ErasureEntry }): VNode {
  if (completed_at === null && Date.parse(deadline) < Date.now())
    return html`<${Badge} tone="danger">${t("erasures.overdue")}<//>` as VNode;
  const tones = { scheduled: "warning", running: "accent", completed: "success" } as const;
  return html`<${Badge} tone=${tones[state]}>${t(`erasures.state_${state}`)}<//>` as VNode;
}

function erasedRows(receipts: ErasureEntry["receipts"]): number {
  return Object.values(receipts)
    .flatMap(({ rows }) => Object.values(rows))
    .reduce((sum, rows) => sum + rows, 0);
}
