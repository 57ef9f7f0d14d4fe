import type { Handler } from "../http/request-context.ts";
import { html, htmlDocument } from "./html-page.ts";

const document = (head: string, body: string): string =>
  htmlDocument(
    "Usermesh API",
    head,
    `${body}
<noscript><p>This page needs JavaScript. The OpenAPI document is at <a href="/openapi.json">/openapi.json</a>.</p></noscript>`,
  );

const swaggerUi = html(
  document(
    `<link rel="stylesheet" href="/assets/swagger-ui.css">
<script defer src="/assets/swagger-ui-bundle.js"></script>
<script defer src="/assets/docs.js"></script>`,
    `<div id="swagger-ui"></div>`,
  ),
);

/** ReDoc needs inline styles, and a worker from a blob for its search. Scripts and requests stay limited to this server. */
const REDOC_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const redoc = html(
  document(
    `<script defer src="/assets/redoc-standalone.js"></script>
<script defer src="/assets/redoc.js"></script>`,
    `<div id="redoc"></div>`,
  ),
  REDOC_POLICY,
);

export const docsPage: Handler = () => swaggerUi;
export const redocPage: Handler = () => redoc;
