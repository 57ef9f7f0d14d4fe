import { csrfCookieName } from "../../auth/csrf.ts";
import { prefersHtml } from "../../http/accept.ts";
import { readCookie } from "../../http/headers.ts";
import type { Handler } from "../../http/request-context.ts";
import { createDocuments, type DocumentDeps, escapeHtml, type Translate } from "./document.ts";

/** The first page: for a browser with the ways to go on, for a program as `json` has it. */
export function homePage(deps: DocumentDeps, json: Handler, hasMailbox: boolean): Handler {
  const render = createDocuments(deps);
  const { base, config } = deps;
  return (context, pathParams) => {
    const { request } = context;
    if (!prefersHtml(request)) return json(context, pathParams);
    const isSignedIn = readCookie(request, csrfCookieName(config.http.publicUrl)) !== undefined;
    return render(context, (t) => {
      const title = t("home.title", { name: config.brand.name });
      const text = t(isSignedIn ? "home.signed_in_text" : "home.text");
      const body = `<header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></header>
<nav class="stack" aria-label="${escapeHtml(t("home.ways"))}">
<div class="stack-tight">${isSignedIn ? accountLink(base, t) : signInLinks(base, t)}</div>
<p class="separator">${escapeHtml(t("home.developers"))}</p>
<ul class="home-links">${developerLinks(base, hasMailbox, t)}</ul>
</nav>`;
      return { title, body };
    });
  };
}

function accountLink(base: string, t: Translate): string {
  return button(`${base}/account`, "primary", t("home.account"));
}

function signInLinks(base: string, t: Translate): string {
  return (
    button(`${base}/login`, "primary", t("home.sign_in")) + button(`${base}/register`, "secondary", t("home.register"))
  );
}

function button(href: string, kind: string, text: string): string {
  return `<a class="button button-${kind} button-wide" href="${href}">${escapeHtml(text)}</a>`;
}

function developerLinks(base: string, hasMailbox: boolean, t: Translate): string {
  const links = [
    ["/docs", "home.api"],
    ["/redoc", "home.reference"],
    ["/health", "home.health"],
    ...(hasMailbox ? [["/dev/mail", "home.mails"] as const] : []),
  ] as const;
  return links.map(([path, key]) => `<li><a href="${base}${path}">${escapeHtml(t(key))}</a></li>`).join("");
}
