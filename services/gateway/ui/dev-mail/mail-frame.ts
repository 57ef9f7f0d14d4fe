import { html } from "htm/preact";
import type { VNode } from "preact";
import { pathTo } from "../app/config.ts";

interface MailFrameProps {
  /** Path of the document, which has a policy of its own. */
  readonly path: string;
  readonly title: string;
  /** CSS pixels. */
  readonly width: number;
}

/** The HTML part of a mail. It runs no script and loads nothing; its links open in new tabs. */
export function MailFrame({ path, title, width }: MailFrameProps): VNode {
  return html`<iframe class="mail-frame" src=${pathTo(path)} title=${title} style=${{ width: `${width}px` }}
    sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" loading="lazy"></iframe>` as VNode;
}

/** The text part, with its links. Only http and https are links. */
export function MailText({ text }: { readonly text: string }): VNode {
  const parts = text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/i);
  return html`<pre class="mail-text">${parts.map((part, index) =>
    index % 2 === 1 && URL.canParse(part)
      ? html`<a href=${part} target="_blank" rel="noopener noreferrer">${part}</a>`
      : part,
  )}</pre>` as VNode;
}
