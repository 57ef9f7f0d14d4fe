import { html } from "htm/preact";
import type { VNode } from "preact";
import { config, pathTo } from "../app/config.ts";

/** The brand's logo and name, as a link to the first page. */
export function Brand(): VNode {
  return html`<a class="brand" href=${pathTo("/")}>
    <img class="brand-mark" src=${config.brand.logo} alt="" width="28" height="28" />${config.brand.name}
  </a>` as VNode;
}
