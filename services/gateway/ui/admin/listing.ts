import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { formatNumber, t } from "../app/messages.ts";
import { Button } from "../components/button.ts";
import { Alert, Empty, Skeleton } from "../components/feedback.ts";
import type { IconName } from "../components/icons.ts";
import type { Pages } from "./pages.ts";

interface ListingProps<T> {
  readonly pages: Pages<T>;
  readonly icon: IconName;
  /** Text for an empty list. */
  readonly empty: { readonly title: string; readonly text: string };
  /** The number of entries in words. */
  readonly countOf: (total: number) => string;
  readonly render: (items: readonly T[]) => ComponentChildren;
}

/** The pages of a list with their states: loading, empty, failed, and the way to the next page. */
export function Listing<T>({ pages, icon, empty, countOf, render }: ListingProps<T>): VNode {
  const { items, failure, meta } = pages;
  if (items.value === null && failure.value === null)
    return html`<div class="card-body"><${Skeleton} lines=${8} label=${t("loading")} /></div>` as VNode;
  if (items.value === null)
    return html`<${Empty} icon="alert" title=${t("load_failed")} text=${failure.value ?? ""}>
      <${Button} icon="refresh" onClick=${pages.reload}>${t("retry")}<//>
    <//>` as VNode;
  const total = meta.value?.total ?? null;
  return html`
    ${failure.value !== null && html`<div class="card-body"><${Alert} tone="danger">${failure.value}<//></div>`}
    ${items.value.length === 0 ? html`<${Empty} icon=${icon} ...${empty} />` : render(items.value)}
    <div class="listing-foot">
      <p class="muted small numeric" role="status">${total === null ? t("list.page", { page: formatNumber(pages.number) }) : countOf(total)}</p>
      <${Pager} pages=${pages} />
    </div>` as VNode;
}

function Pager<T>({ pages }: { readonly pages: Pages<T> }): VNode | null {
  const hasNext = pages.meta.value?.has_next ?? false;
  if (pages.number === 1 && !hasNext) return null;
  return html`<nav class="row" aria-label=${t("list.pages")}>
    ${pages.number > 1 && html`<${Button} small icon="chevron-left" onClick=${pages.previous}>${t("list.previous")}<//>`}
    ${hasNext && html`<${Button} small onClick=${pages.next}>${t("list.next")}<//>`}
  </nav>` as VNode;
}
