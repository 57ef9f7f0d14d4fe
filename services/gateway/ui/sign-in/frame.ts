import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { Brand } from "../components/brand.ts";
import { SiteFoot } from "../components/site-foot.ts";

interface FrameProps {
  /** None if the content brings its own, as an outcome does. */
  readonly title?: string;
  readonly text?: ComponentChildren;
  /** Below the card, such as a link to another page. */
  readonly aside?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** What all pages of signing in look like: one card. */
export function SignInFrame({ title, text, aside, children }: FrameProps): VNode {
  return html`<div class="sign-in">
    <header class="sign-in-head"><${Brand} /></header>
    <main class="sign-in-main">
      <div class="sign-in-card">
      ${title !== undefined && html`<header><h1>${title}</h1>${text && html`<p>${text}</p>`}</header>`}
      ${children}
      </div>
      ${aside && html`<p class="sign-in-aside">${aside}</p>`}
    </main>
    <${SiteFoot} />
  </div>` as VNode;
}
