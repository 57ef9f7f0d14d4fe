import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";

interface CardProps {
  readonly title: string;
  readonly text?: string;
  /** Beside the title, such as a button. */
  readonly action?: ComponentChildren;
  /** The content reaches the edges, as a table does. */
  readonly flush?: boolean;
  readonly children?: ComponentChildren;
}

export function Card({ title, text, action, flush, children }: CardProps): VNode {
  return html`<section class="card">
    <header class="card-head"><h2>${title}</h2>${action}${text !== undefined && html`<p>${text}</p>`}</header>
    <div class="card-body ${flush ? "card-flush" : ""}">${children}</div>
  </section>` as VNode;
}
