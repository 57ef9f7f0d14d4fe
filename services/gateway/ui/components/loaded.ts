import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../app/messages.ts";
import type { Resource } from "../app/resource.ts";
import { Button } from "./button.ts";
import { Empty, Skeleton } from "./feedback.ts";

interface LoadedProps<T> {
  readonly resource: Resource<T>;
  readonly lines?: number;
  /** In a card without padding, as a table needs it. */
  readonly inset?: boolean;
  readonly render: (data: T) => ComponentChildren;
}

/** Shows a resource, or that it is being loaded, or that it could not be. */
export function Loaded<T>({ resource, lines = 4, inset, render }: LoadedProps<T>): VNode {
  const { data, failure } = resource;
  // Read when it is first shown.
  useEffect(() => {
    if (data.value === null) resource.load();
  }, [resource]);
  if (data.value !== null) return html`${render(data.value)}` as VNode;
  if (failure.value === null)
    return html`<div class=${inset ? "card-body" : undefined}><${Skeleton} lines=${lines} label=${t("loading")} /></div>` as VNode;
  return html`<${Empty} icon="alert" title=${t("load_failed")} text=${failure.value}>
    <${Button} icon="refresh" onClick=${() => resource.load()}>${t("retry")}<//>
  <//>` as VNode;
}
