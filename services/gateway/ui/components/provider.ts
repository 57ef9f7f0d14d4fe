import { html } from "htm/preact";
import type { VNode } from "preact";

export function providerName(name: string): string {
  const known: Readonly<Record<string, string>> = {
    google: "Google",
    linkedin: "LinkedIn",
    github: "GitHub",
    gitlab: "GitLab",
  };
  return known[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " ");
}

/** A letter in a circle: the marks of providers may only be used as their owners allow. */
export function ProviderMark({ name }: { readonly name: string }): VNode {
  return html`<span class="provider-mark" aria-hidden="true">${providerName(name).charAt(0)}</span>` as VNode;
}
