import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { Icon, type IconName } from "../components/icons.ts";

interface OutcomeProps {
  readonly tone: "success" | "warning" | "info";
  readonly icon: IconName;
  readonly title: string;
  readonly text: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** What a page shows instead of its form when there is nothing more to fill in. It is announced when it appears. */
export function Outcome({ tone, icon, title, text, children }: OutcomeProps): VNode {
  return html`<div class="outcome" role="status">
    <span class="outcome-icon alert-${tone}"><${Icon} name=${icon} size=${26} /></span>
    <h1>${title}</h1>
    <p>${text}</p>
    ${children}
  </div>` as VNode;
}
