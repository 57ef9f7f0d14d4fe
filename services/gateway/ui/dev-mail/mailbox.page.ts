import { signal, useSignal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { formatDateTime, formatRelative, t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { Button } from "../components/button.ts";
import { Alert, Empty, Skeleton, toast } from "../components/feedback.ts";
import { Choice, DevMailFrame } from "./frame.ts";
import { MailFrame, MailText } from "./mail-frame.ts";
import { type CaughtMail, emptyMailbox, followMailbox, isOffline, mails } from "./mailbox-data.ts";

const filter = signal("");
/** Id of the mail that is shown. It is in the fragment, so that a reload shows it again. */
const chosen = signal(location.hash.slice(1));

function choose(id: string): void {
  chosen.value = id;
  history.replaceState(null, "", id === "" ? location.pathname : `#${id}`);
}

function MailboxPage(): VNode {
  const all = mails.value;
  const shown = (all ?? []).filter(matches);
  const mail = (all ?? []).find(({ id }) => id === chosen.value);
  useEffect(() => {
    document.title = all === null ? t("mailbox.title") : `${t("mailbox.title")} (${all.length})`;
  }, [all]);
  const empty = async () => {
    await emptyMailbox();
    choose("");
    toast(t("mailbox.emptied"));
  };
  const action = html`<${Button} icon="trash" onClick=${() => empty().catch(() => (isOffline.value = true))}>${t("mailbox.empty_it")}<//>`;
  return html`<${DevMailFrame} area="mailbox" action=${all !== null && all.length > 0 && action}>
    <h2 class="visually-hidden">${t("mailbox.list")}</h2>
    ${isOffline.value && html`<${Alert} tone="warning">${t("mailbox.offline")}<//>`}
    ${all === null && html`<${Skeleton} lines=${6} label=${t("loading")} />`}
    ${all?.length === 0 && html`<div class="card"><${Empty} icon="mail" title=${t("mailbox.none")} text=${t("mailbox.none_text")} /></div>`}
    ${
      all !== null &&
      all.length > 0 &&
      html`<div class="mails-panes" data-open=${mail ? "true" : undefined}>
      <${List} shown=${shown} total=${all.length} />
      ${mail ? html`<${Details} key=${mail.id} mail=${mail} />` : html`<section class="card mails-detail mails-nothing"><${Empty} icon="mail" title=${t("mailbox.choose")} text=${t("mailbox.choose_text")} /></section>`}
    </div>`
    }
  <//>` as VNode;
}

function matches({ to, subject, text }: CaughtMail): boolean {
  const content = `${to.join(" ")} ${subject} ${text}`.toLocaleLowerCase();
  return filter.value
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => content.includes(word));
}

function List({ shown, total }: { readonly shown: readonly CaughtMail[]; readonly total: number }): VNode {
  const isFiltered = filter.value.trim() !== "";
  const count = isFiltered ? t("mailbox.found", { count: shown.length, total }) : t("mailbox.count", { count: total });
  return html`<section class="card mails-list" aria-label=${t("mailbox.list")}>
    <div class="mails-filter">
      <label class="visually-hidden" for="filter">${t("mailbox.search")}</label>
      <input class="input" type="search" id="filter" placeholder=${t("mailbox.search")} value=${filter.value}
        onInput=${({ target }: Event) => (filter.value = (target as HTMLInputElement).value)} />
      <p class="hint" role="status">${count}</p>
    </div>
    ${shown.length === 0 && html`<${Empty} icon="search" title=${t("mailbox.none_found")} text=${t("mailbox.none_found_text")} />`}
    <ul>${shown.map((mail) => html`<li key=${mail.id}><${Row} mail=${mail} /></li>`)}</ul>
  </section>` as VNode;
}

function Row({ mail }: { readonly mail: CaughtMail }): VNode {
  const { id, subject, to, received_at } = mail;
  return html`<button type="button" class="mails-row" aria-current=${id === chosen.value ? "true" : undefined} onClick=${() => choose(id)}>
    <strong>${subject || t("mailbox.no_subject")}</strong>
    <span>${to.join(", ")}</span>
    <time datetime=${received_at}>${formatRelative(received_at)}</time>
  </button>` as VNode;
}

type Part = "html" | "text" | "source" | "headers";

function Details({ mail }: { readonly mail: CaughtMail }): VNode {
  const part = useSignal<Part>(mail.html === "" ? "text" : "html");
  const width = useSignal<"390" | "680">("680");
  const parts: readonly Part[] = mail.html === "" ? ["text", "headers"] : ["html", "text", "source", "headers"];
  const widths = [
    { value: "390", label: t("view.phone") },
    { value: "680", label: t("view.desktop") },
  ];
  return html`<article class="card mails-detail" aria-labelledby="subject">
    <header class="mails-detail-head">
      <div class="mails-back"><${Button} kind="quiet" small onClick=${() => choose("")}>${t("mailbox.back")}<//></div>
      <h2 id="subject">${mail.subject || t("mailbox.no_subject")}</h2>
      <dl class="mails-facts">
        <dt>${t("mailbox.from")}</dt><dd>${mail.headers.from ?? mail.from}</dd>
        <dt>${t("mailbox.to")}</dt><dd>${mail.to.join(", ")}</dd>
        <dt>${t("mailbox.received")}</dt><dd><time datetime=${mail.received_at}>${formatDateTime(mail.received_at)}</time></dd>
      </dl>
      <div class="row row-between">
        <${Choice} label=${t("view.parts")} value=${part.value} onChange=${(one: Part) => (part.value = one)}
          options=${parts.map((value) => ({ value, label: t(`view.${value}`) }))} />
        ${part.value === "html" && html`<${Choice} label=${t("view.width")} options=${widths} value=${width.value} onChange=${(one: "390" | "680") => (width.value = one)} />`}
      </div>
    </header>
    <${Content} mail=${mail} part=${part.value} width=${Number(width.value)} />
  </article>` as VNode;
}

interface ContentProps {
  readonly mail: CaughtMail;
  readonly part: Part;
  readonly width: number;
}

function Content({ mail, part, width }: ContentProps): VNode {
  if (part === "html")
    return html`<div class="mail-stage" tabindex="0" role="region" aria-label=${t("view.html")}><${MailFrame} path=${`/dev/mail/${mail.id}`} title=${mail.subject} width=${width} /></div>` as VNode;
  if (part === "text") return html`<${MailText} text=${mail.text} />` as VNode;
  if (part === "source")
    return html`<pre class="mail-text mail-source" tabindex="0" role="region" aria-label=${t("view.source")}>${mail.html}</pre>` as VNode;
  return html`<dl class="mails-facts mail-headers">${Object.entries(mail.headers).map(
    ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`,
  )}</dl>` as VNode;
}

followMailbox();
mount(MailboxPage);
