import { AppError } from "../../../lib/actions/errors.ts";
import type { Mail, Platform } from "../../../lib/runtime/platform.ts";
import { respondWholeList } from "../api/respond.ts";
import type { OperatorGuard } from "../auth/operator-guard.ts";
import type { Handler } from "../http/request-context.ts";
import { html } from "./html-page.ts";

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
article { border-top: 1px solid; padding: 1rem 0 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem }
dd { margin: 0; overflow-wrap: anywhere }`;

/** The mails of the embedded mail server, as a page for browsers and as JSON for programs. They contain working links. */
export function devMailPage({ mailbox, random }: Pick<Platform, "mailbox" | "random">, guard: OperatorGuard): Handler {
  return async ({ request }) => {
    if (!mailbox || !guard.allows(request)) throw new AppError("not_found");
    const mails = await mailbox.messages();
    if (!(request.headers.accept ?? "").includes("text/html"))
      return respondWholeList("Mails, newest first.", mails.toReversed());
    const nonce = random.bytes(16).toString("base64");
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;
    return html(renderMailbox(mails, { nonce }), policy);
  };
}

/**
 * Lists the mails on one page, newest first; `mails` are oldest first. A mail is untrusted text: none of it becomes markup,
 * and its HTML is shown as source. `nonce` is for `style-src 'nonce-…'`; without it the page has no style.
 */
export function renderMailbox(mails: readonly Mail[], { nonce }: { nonce?: string } = {}): string {
  const style = nonce === undefined ? "" : `<style nonce="${escaped(nonce)}">${STYLE}</style>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Mails (${mails.length})</title>
${style}</head>
<body>
<main>
<h1>Mails</h1>
<p>${mails.length === 0 ? "No mail yet." : `${mails.length} received, newest first. None of them was delivered.`}</p>
${mails.toReversed().map(article).join("\n")}
</main>
</body>
</html>
`;
}

function article(mail: Mail): string {
  return `<article aria-labelledby="mail-${escaped(mail.id)}">
<h2 id="mail-${escaped(mail.id)}">${escaped(mail.subject || "(no subject)")}</h2>
<dl>
<dt>From</dt><dd>${escaped(mail.from)}</dd>
<dt>To</dt><dd>${escaped(mail.to.join(", "))}</dd>
<dt>Received</dt><dd><time datetime="${escaped(mail.received_at)}">${escaped(mail.received_at)}</time></dd>
</dl>
<pre>${linkify(mail.text)}</pre>
${mail.html === "" ? "" : source(mail.html)}</article>`;
}

function source(html: string): string {
  return `<details><summary>HTML source</summary><pre>${escaped(html)}</pre></details>\n`;
}

/** Turns http(s) URLs into links. URLs are found before escaping: an entity could look like part of one. */
function linkify(text: string): string {
  const parts = text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/i);
  return parts.map((part, index) => (index % 2 === 1 && URL.canParse(part) ? link(part) : escaped(part))).join("");
}

function link(url: string): string {
  return `<a href="${escaped(url)}" rel="noopener noreferrer">${escaped(url)}</a>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
