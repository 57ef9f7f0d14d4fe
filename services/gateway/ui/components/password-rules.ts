import { html } from "htm/preact";
import type { VNode } from "preact";
import { config } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { Icon } from "./icons.ts";

interface Rule {
  readonly key: string;
  isMet(password: string): boolean;
}

const length = (least: number): Rule => ({
  key: `rules.length_${least}`,
  isMet: (password) => [...password].length >= least,
});
const policies: Readonly<Record<string, readonly Rule[]>> = {
  classic: [
    length(8),
    { key: "rules.upper", isMet: (password) => /\p{Lu}/u.test(password) },
    { key: "rules.lower", isMet: (password) => /\p{Ll}/u.test(password) },
    { key: "rules.digit", isMet: (password) => /\d/.test(password) },
  ],
  length: [length(8)],
  nist: [length(15)],
};

/** What a password has to have, from the start and not only when one was refused. Each rule is ticked while typing. */
export function PasswordRules({ password }: { readonly password: string }): VNode {
  const rules = policies[config.passwordPolicy] ?? [];
  return html`<ul class="rules" aria-label=${t("rules.title")}>
    ${rules.map((rule) => {
      const isMet = rule.isMet(password);
      return html`<li class="rule ${isMet ? "rule-met" : ""}"><${Icon} name=${isMet ? "check" : "circle"} size=${16} />${t(rule.key)}
        ${isMet && html`<span class="visually-hidden">${t("rules.met")}</span>`}</li>`;
    })}
  </ul>` as VNode;
}
