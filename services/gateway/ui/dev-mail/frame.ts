import { html } from "htm/preact";
import type { ComponentChildren, VNode } from "preact";
import { pathTo } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { Brand } from "../components/brand.ts";
import { Toasts } from "../components/feedback.ts";
import { Icon, type IconName } from "../components/icons.ts";
import { SiteFoot } from "../components/site-foot.ts";

const areas: ReadonlyArray<{ readonly name: string; readonly path: string; readonly icon: IconName }> = [
  { name: "mailbox", path: "/dev/mail", icon: "mail" },
  { name: "samples", path: "/dev/mail/samples", icon: "sliders" },
];

interface FrameProps {
  readonly area: "mailbox" | "samples";
  /** Content beside the title. */
  readonly action?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** The layout of the pages about mails: a bar with their names, a title, and a list beside the chosen entry. */
export function DevMailFrame({ area, action, children }: FrameProps): VNode {
  return html`<div class="mails">
    <a class="skip-link" href="#content">${t("skip")}</a>
    <div class="mails-bar">
    <header class="mails-top">
      <${Brand} />
      <nav class="mails-nav" aria-label=${t("nav.areas")}>
        ${areas.map(
          ({
            name,
            path,
            icon,
          }) => html`<a class="nav-link" href=${pathTo(path)} aria-current=${name === area ? "page" : undefined}>
            <${Icon} name=${icon} size=${18} />${t(`nav.${name}`)}</a>`,
        )}
      </nav>
    </header>
    <${SiteFoot} />
    </div>
    <main class="mails-main" id="content" tabindex="-1">
      <header class="mails-head">
        <div><h1>${t(`${area}.title`)}</h1><p>${t(`${area}.text`)}</p></div>
        ${action}
      </header>
      ${children}
    </main>
    <${Toasts} />
  </div>` as VNode;
}

interface ChoiceProps<V extends string> {
  /** Label of the choice, for screen readers. */
  readonly label: string;
  readonly options: ReadonlyArray<{ readonly value: V; readonly label: string }>;
  readonly value: V;
  readonly onChange: (value: V) => void;
}

/** A choice between a few alternatives, all of them visible. */
export function Choice<V extends string>({ label, options, value, onChange }: ChoiceProps<V>): VNode {
  return html`<div class="choice" role="group" aria-label=${label}>
    ${options.map(
      (one) => html`<button type="button" class="choice-option" aria-pressed=${one.value === value ? "true" : "false"}
        onClick=${() => onChange(one.value)}>${one.label}</button>`,
    )}
  </div>` as VNode;
}
