import type { Handler } from "../http/request-context.ts";
import { html } from "./html-page.ts";

const page = html(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Usermesh API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/swagger-ui.css">
<script defer src="/assets/swagger-ui-bundle.js"></script>
<script defer src="/assets/docs.js"></script>
</head>
<body>
<div id="swagger-ui"></div>
<noscript><p>Swagger UI needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</p></noscript>
</body>
</html>
`);

export const docsPage: Handler = () => page;

/** ReDoc needs inline styles, and a worker from a blob for its search. Scripts and requests stay limited to this server. */
const REDOC_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const redoc = {
  ...html(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Usermesh API</title>
<link rel="icon" href="data:,">
<script defer src="/assets/redoc-standalone.js"></script>
<script defer src="/assets/redoc.js"></script>
</head>
<body>
<div id="redoc"></div>
<noscript><p>ReDoc needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</p></noscript>
</body>
</html>
`),
  policy: REDOC_POLICY,
};

export const redocPage: Handler = () => redoc;
