import { LRUCache } from "lru-cache";
import type { Config } from "../../../../lib/config/config.ts";
import type { Handler, RequestContext } from "../../http/request-context.ts";
import type { Assets } from "../assets/assets.ts";
import { FRAMING_PAGE_POLICY, html } from "../html-page.ts";
import { type AppPage, type AppPageName, appPages, baseStyles } from "./app-pages.ts";
import { escapeHtml } from "./document.ts";
import { type Language, languages, readLanguage } from "./language.ts";
import { createTranslator, messagesModule, readMessages } from "./messages.ts";
import type { PageBrand } from "./page-brands.ts";
import { brandSheet, styleSheet } from "./styles.ts";

export interface AppPagesDeps {
  readonly assets: Assets;
  readonly config: Config;
  /** Path of PUBLIC_URL: "" or "/auth". */
  readonly base: string;
  readonly brandOf: (context: Pick<RequestContext, "request" | "query">) => Promise<PageBrand>;
}

const MAX_DOCUMENTS = 500;

/** The pages with browser code. Their documents depend on the configuration, the language and the tenant's brand only. */
export function createAppPages(deps: AppPagesDeps) {
  const documents = new LRUCache<string, Promise<string>>({ max: MAX_DOCUMENTS });
  const documentOf = (page: AppPageName, language: Language, brand: PageBrand): Promise<string> => {
    const key = JSON.stringify([page, language, brand]);
    const document = documents.get(key) ?? renderShell(deps, { page, language, brand });
    documents.set(key, document);
    document.catch(() => documents.delete(key));
    return document;
  };
  const handlerOf =
    (page: AppPageName): Handler =>
    async (context) => {
      const { request, query } = context;
      const body = await documentOf(page, readLanguage(request, query), await deps.brandOf(context));
      const { hasFrames }: AppPage = appPages[page];
      return {
        ...html(body, hasFrames ? FRAMING_PAGE_POLICY : undefined),
        headers: ["Vary", "Accept-Language, Cookie"],
      };
    };
  const installation: PageBrand = { name: deps.config.brand.name, color: null, logo: `${deps.base}/favicon.svg` };
  const names = Object.keys(appPages) as AppPageName[];
  return {
    handlers: Object.fromEntries(names.map((page) => [page, handlerOf(page)])) as Record<AppPageName, Handler>,
    /** Builds the assets of all pages. */
    build: () =>
      Promise.all(names.flatMap((page) => languages.map((language) => documentOf(page, language, installation)))),
  };
}

interface Shell {
  readonly page: AppPageName;
  readonly language: Language;
  readonly brand: PageBrand;
}

/** A document without content: its module fills it in. The modules below it are loaded at once, not one after another. */
async function renderShell(deps: AppPagesDeps, { page, language, brand: look }: Shell): Promise<string> {
  const { assets, config, base } = deps;
  const { entry, title, messages, styles } = appPages[page];
  const topics = ["common", ...messages];
  const [brand, common, own, font, theme, module, catalogues, texts] = await Promise.all([
    brandSheet(assets, config.brand.color),
    styleSheet(assets, baseStyles),
    styleSheet(assets, styles),
    assets.file("fonts/inter-latin.woff2"),
    assets.module("app/theme.ts"),
    assets.module(entry),
    Promise.all(topics.map((topic) => messageAsset(assets, topic, language))),
    Promise.all(topics.map((topic) => readMessages(topic, language))),
  ]);
  const url = ({ name }: { readonly name: string }) => `${base}/assets/${name}`;
  const t = createTranslator(Object.assign({}, ...texts), language);
  const pageConfig = { ...publicConfig(deps, language, look), page, messages: catalogues.map(url) };
  const preloaded = [...module.imports.map((name) => ({ name })), ...catalogues];
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(`${t(title)} · ${look.name}`)}</title>
<link rel="icon" href="${look.logo}">
<script src="${url(theme)}"></script>
<link rel="preload" href="${url(font)}" as="font" type="font/woff2" crossorigin>
${[brand, common, own].map((sheet) => `<link rel="stylesheet" href="${url(sheet)}">`).join("\n")}
${look.color === null ? "" : `<link rel="stylesheet" href="${base}/brand/colors/${look.color.slice(1).toLowerCase()}.css">`}
${preloaded.map((asset) => `<link rel="modulepreload" href="${url(asset)}">`).join("\n")}
<script type="module" src="${url(module)}"></script>
<script type="application/json" id="page-config">${escapeJson(pageConfig)}</script>
</head>
<body>
<div id="app"></div>
<noscript><p>${escapeHtml(t("noscript"))}</p></noscript>
</body>
</html>
`;
}

function messageAsset(assets: Assets, topic: string, language: Language) {
  return assets.generated(`messages.${topic}.${language}.js`, () => messagesModule(topic, language));
}

/** What the browser code knows of the configuration. Anyone can read it. */
function publicConfig({ config, base }: AppPagesDeps, language: Language, { name, logo }: PageBrand) {
  const { auth, oauth } = config;
  return {
    base,
    origin: new URL(config.http.publicUrl).origin,
    brand: { name, logo },
    language,
    languages,
    providers: oauth.providers.map(({ name }) => name),
    passwordPolicy: auth.passwordPolicy,
    keepsDeleted: config.accountDeletionGraceDays === null,
    returnUrls: oauth.returnUrls,
  };
}

/** JSON inside a script element: `<` could end the element. */
function escapeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
