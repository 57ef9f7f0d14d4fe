import { type AppError, publicCode } from "../../../../lib/actions/errors.ts";
import type { RequestContext } from "../../http/request-context.ts";
import type { HttpResponse } from "../../http/response.ts";
import { createDocuments, type DocumentDeps, escapeHtml, type Translate } from "./document.ts";

export type ErrorPage = (
  error: AppError,
  context: Pick<RequestContext, "request" | "query" | "correlationId">,
) => Promise<Pick<HttpResponse, "body" | "contentType" | "contentSecurityPolicy" | "headers">>;

/** What a browser shows of a problem document: what happened in the reader's language, and where to go on. */
export function createErrorPage(deps: DocumentDeps): ErrorPage {
  const render = createDocuments(deps);
  return async (error, context) => {
    const { body, contentType, contentSecurityPolicy, headers } = await render(context, (t) => {
      const title = t(titleKey(error.status));
      const body = `<header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(textOf(error, t))}</p></header>
<div class="stack">
${linksFor(error.status, deps.base, t)}
<p class="hint">${escapeHtml(t("problem.reference", { id: context.correlationId }))}</p>
</div>`;
      return { title, body };
    });
    return {
      body,
      contentType,
      ...(contentSecurityPolicy !== undefined && { contentSecurityPolicy }),
      headers: headers ?? [],
    };
  };
}

const TITLES: Readonly<Record<number, string>> = {
  401: "problem.unauthenticated",
  403: "problem.forbidden",
  404: "problem.not_found",
  429: "problem.too_many",
  503: "problem.unavailable",
};

function titleKey(status: number): string {
  return TITLES[status] ?? (status >= 500 ? "problem.failed" : "problem.refused");
}

/** Our text for the error's code, or else the catalogue's, which is English. */
function textOf(error: AppError, t: Translate): string {
  if (error.status === 401) return t("problem.unauthenticated_text");
  if (error.status === 404) return t("problem.not_found_text");
  const key = `error.${publicCode(error.type)}`;
  return t.has(key) ? t(key, { seconds: Math.max(1, Math.ceil(error.data.retry_after ?? 1)) }) : error.message;
}

function linksFor(status: number, base: string, t: Translate): string {
  const home = `<a class="button button-secondary button-wide" href="${base}/">${escapeHtml(t("problem.home"))}</a>`;
  if (status !== 401) return home;
  return `<a class="button button-primary button-wide" href="${base}/login">${escapeHtml(t("home.sign_in"))}</a>`;
}
