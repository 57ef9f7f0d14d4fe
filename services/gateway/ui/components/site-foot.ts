import { signal } from "@preact/signals";
import { html } from "htm/preact";
import type { VNode } from "preact";
import { config } from "../app/config.ts";
import { t } from "../app/messages.ts";
import { Icon } from "./icons.ts";

const isDark = signal(readIsDark());

/** The reader's choice of language and of light or dark. */
export function SiteFoot(): VNode {
  const next = isDark.value ? "light" : "dark";
  return html`<footer class="site-foot">
    <label class="language"><${Icon} name="globe" size=${16} /><span class="visually-hidden">${t("foot.language")}</span>
      <select onChange=${({ target }: Event) => changeLanguage((target as HTMLSelectElement).value)}>
        ${config.languages.map((tag) => html`<option value=${tag} lang=${tag} selected=${tag === config.language}>${nameOf(tag)}</option>`)}
      </select>
    </label>
    <button class="button button-quiet button-small" type="button" onClick=${() => changeTheme(next)}>
      <${Icon} name=${isDark.value ? "sun" : "moon"} size=${16} />${t(`foot.${next}`)}
    </button>
  </footer>` as VNode;
}

function nameOf(tag: string): string {
  const name = new Intl.DisplayNames(tag, { type: "language" }).of(tag) ?? tag;
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}

/** The server renders the title and picks the messages, so the page is loaded again. */
function changeLanguage(tag: string): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not available in all browsers.
  document.cookie = `usermesh_language=${tag}; Path=${config.base || "/"}; Max-Age=31536000; SameSite=Lax${secure}`;
  const url = new URL(location.href);
  url.searchParams.delete("lang");
  location.replace(url);
}

function readIsDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark";
}

function changeTheme(theme: "light" | "dark"): void {
  document.documentElement.dataset.theme = theme;
  isDark.value = theme === "dark";
  try {
    localStorage.setItem("usermesh.theme", theme);
  } catch {
    // Storage may be blocked; then the choice lasts as long as the page.
  }
}
