import type { Handler } from "../http/request-context.ts";
import type { HttpResponse } from "../http/response.ts";
import type { Asset, Assets } from "./assets/assets.ts";
import { html, htmlDocument } from "./html-page.ts";

interface DocsDeps {
  readonly assets: Assets;
  /** Path of PUBLIC_URL. */
  readonly base: string;
}

/** ReDoc needs inline styles, and a worker from a blob for its search. Scripts and requests stay limited to this server. */
const REDOC_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Swagger UI and ReDoc. Their scripts find the OpenAPI document in `data-openapi`. */
export function docsPages(deps: DocsDeps) {
  const { assets } = deps;
  const docs = onceBuilt(async () => {
    const scripts = [assets.packageFile("swagger-ui-bundle.js"), assets.module("docs/swagger-ui.ts")];
    return html(document(deps, await assets.packageFile("swagger-ui.css"), await Promise.all(scripts)));
  });
  const redoc = onceBuilt(async () => {
    const scripts = [assets.packageFile("redoc-standalone.js"), assets.module("docs/redoc.ts")];
    return html(document(deps, null, await Promise.all(scripts)), REDOC_POLICY);
  });
  return {
    docs: (() => docs()) as Handler,
    redoc: (() => redoc()) as Handler,
    /** Builds the assets of both. */
    build: () => Promise.all([docs(), redoc()]),
  };
}

/** Built on the first request: the scripts are large, and few nodes ever show them. */
function onceBuilt(build: () => Promise<HttpResponse>): () => Promise<HttpResponse> {
  let response: Promise<HttpResponse> | undefined;
  return () => {
    response ??= build();
    response.catch(() => {
      response = undefined;
    });
    return response;
  };
}

function document({ base }: DocsDeps, sheet: Asset | null, scripts: readonly Asset[]): string {
  const head = [
    ...(sheet ? [`<link rel="stylesheet" href="${base}/assets/${sheet.name}">`] : []),
    ...scripts.map(({ name }) => `<script defer src="${base}/assets/${name}"></script>`),
  ];
  return htmlDocument(
    "API documentation",
    `<link rel="icon" href="${base}/favicon.svg" type="image/svg+xml">\n${head.join("\n")}`,
    `<div id="docs" data-openapi="${base}/openapi.json"></div>
<noscript><p>This page needs JavaScript. The OpenAPI document is at <a href="${base}/openapi.json">openapi.json</a>.</p></noscript>`,
  );
}
