import type { Config } from "../../../../lib/config/config.ts";
import type { RequestContext } from "../../http/request-context.ts";
import type { HttpResponse } from "../../http/response.ts";
import type { Assets } from "../assets/assets.ts";
import { html } from "../html-page.ts";
import { baseStyles } from "./app-pages.ts";
import { type Language, readLanguage } from "./language.ts";
import { createTranslator, readMessages } from "./messages.ts";
import { brandSheet, styleSheet } from "./styles.ts";

export interface DocumentDeps {
  readonly assets: Assets;
  readonly config: Config;
  /** Path of PUBLIC_URL: "" or "/auth". */
  readonly base: string;
}

export type Translate = ReturnType<typeof createTranslator>;

interface DocumentContent {
  readonly title: string;
  /** Markup. Whatever comes from a request or from the configuration has to be escaped. */
  readonly body: string;
}

/**
 * Pages that need no browser code: the first page and those for errors. They are rendered in the language of the request,
 * and look like the sign-in pages.
 */
export function createDocuments({ assets, config, base }: DocumentDeps) {
  const translators = new Map<Language, Promise<Translate>>();
  const translatorOf = (language: Language): Promise<Translate> => {
    const translator = translators.get(language) ?? loadTranslator(language);
    translators.set(language, translator);
    translator.catch(() => translators.delete(language));
    return translator;
  };
  return async (
    { request, query }: Pick<RequestContext, "request" | "query">,
    render: (t: Translate) => DocumentContent,
  ): Promise<HttpResponse> => {
    const language = readLanguage(request, query);
    const [t, theme, ...sheets] = await Promise.all([
      translatorOf(language),
      assets.module("app/theme.ts"),
      brandSheet(assets, config.brand.color),
      styleSheet(assets, baseStyles),
      styleSheet(assets, ["sign-in"]),
    ]);
    const { title, body } = render(t);
    const links = sheets.map(({ name }) => `<link rel="stylesheet" href="${base}/assets/${name}">`);
    const document = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(`${title} · ${config.brand.name}`)}</title>
<link rel="icon" href="${base}/favicon.svg">
<script src="${base}/assets/${theme.name}"></script>
${links.join("\n")}
</head>
<body>
<div class="sign-in">
<header class="sign-in-head"><a class="brand" href="${base}/"><img class="brand-mark" src="${base}/favicon.svg" alt="" width="28" height="28">${escapeHtml(config.brand.name)}</a></header>
<main class="sign-in-main"><div class="sign-in-card">
${body}
</div></main>
</div>
</body>
</html>
`;
    return { ...html(document), headers: ["Vary", "Accept, Accept-Language, Cookie"] };
  };
}

async function loadTranslator(language: Language): Promise<Translate> {
  const topics = await Promise.all(["common", "documents"].map((topic) => readMessages(topic, language)));
  return createTranslator(Object.assign({}, ...topics), language);
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
