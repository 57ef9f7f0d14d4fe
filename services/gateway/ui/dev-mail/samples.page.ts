import { signal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import type { Actions } from "../../../../lib/actions/typed-call.ts";
import { ApiError } from "../app/api-client.ts";
import { config, pathTo } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { mount } from "../app/mount.ts";
import { createResource } from "../app/resource.ts";
import { Loaded } from "../components/loaded.ts";
import { Choice, DevMailFrame } from "./frame.ts";
import { MailFrame, MailText } from "./mail-frame.ts";

type Sample = Actions["mail.samples"]["result"]["samples"][number];
type Part = "html" | "text";

/** Typical widths: a phone, and the reading pane of a mail program on a desktop. */
const WIDTHS = [390, 680] as const;

const samples = createResource(async () => {
  const response = await fetch(pathTo("/dev/mail/samples"), { headers: { Accept: "application/json" } });
  const body = await response.json();
  if (!response.ok) throw new ApiError(response.status, body);
  return body.data as readonly Sample[];
});

/** Kind and reason of the sample that is shown. It is in the fragment, so that a reload shows it again. */
const chosen = signal(location.hash.slice(1));
const language = signal(config.language);
const part = signal<Part>("html");

const keyOf = ({ kind, reason }: Sample) => (reason === null ? kind : `${kind}-${reason}`);

function SamplesPage(): VNode {
  return html`<${DevMailFrame} area="samples">
    <${Loaded} resource=${samples} lines=${8} render=${(all: readonly Sample[]) => html`<${Samples} all=${all} />`} />
  <//>` as VNode;
}

function Samples({ all }: { readonly all: readonly Sample[] }): VNode {
  const languages = [...new Set(all.map((one) => one.language))];
  const inLanguage = all.filter((one) => one.language === language.value);
  const listed = inLanguage.length > 0 ? inLanguage : all.filter((one) => one.language === languages[0]);
  const sample = listed.find((one) => keyOf(one) === chosen.value) ?? (listed[0] as Sample);
  const parts: readonly Part[] = ["html", "text"];
  return html`<div class="mails-panes mails-samples">
    <section class="card mails-list" aria-label=${t("samples.list")}>
      <ul>${listed.map((one) => html`<li key=${one.name}><${Row} sample=${one} isShown=${one === sample} /></li>`)}</ul>
    </section>
    <article class="card mails-detail" aria-labelledby="subject">
      <header class="mails-detail-head">
        <h2 id="subject" lang=${sample.language}>${sample.subject}</h2>
        <p class="hint"><code>${sample.kind}.${sample.language}.txt</code>${sample.reason !== null && html` · ${t("samples.reason", { reason: sample.reason })}`}</p>
        <div class="row row-between">
          <${Choice} label=${t("view.parts")} value=${part.value} onChange=${(one: Part) => (part.value = one)}
            options=${parts.map((value) => ({ value, label: t(`view.${value}`) }))} />
          <${Choice} label=${t("samples.language")} value=${sample.language} onChange=${(tag: string) => (language.value = tag)}
            options=${languages.map((value) => ({ value, label: nameOf(value) }))} />
        </div>
      </header>
      ${
        part.value === "text"
          ? html`<div lang=${sample.language}><${MailText} text=${sample.text} /></div>`
          : html`<div class="mail-stage" tabindex="0" role="region" aria-label=${t("view.html")}>${WIDTHS.map((width) => html`<${Preview} key=${`${sample.name}-${width}`} sample=${sample} width=${width} />`)}</div>`
      }
    </article>
  </div>` as VNode;
}

function Row({ sample, isShown }: { readonly sample: Sample; readonly isShown: boolean }): VNode {
  const choose = () => {
    chosen.value = keyOf(sample);
    history.replaceState(null, "", `#${chosen.value}`);
  };
  return html`<button type="button" class="mails-row" aria-current=${isShown ? "true" : undefined} onClick=${choose}>
    <strong lang=${sample.language}>${sample.subject}</strong><span>${keyOf(sample)}</span>
  </button>` as VNode;
}

function Preview({ sample, width }: { readonly sample: Sample; readonly width: number }): VNode {
  const title = t("samples.frame", { subject: sample.subject, width });
  return html`<figure class="mail-preview">
    <figcaption class="hint">${t("samples.width", { width })}</figcaption>
    <${MailFrame} path=${`/dev/mail/samples/${sample.name}`} title=${title} width=${width} />
  </figure>` as VNode;
}

function nameOf(tag: string): string {
  return new Intl.DisplayNames(config.language, { type: "language" }).of(tag) ?? tag;
}

mount(SamplesPage);
