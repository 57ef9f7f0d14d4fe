import { html, type Page } from "./html-page.ts";

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

export const docsPage: Page = () => page;

/**
 * ReDoc writes its styles into the page and searches in a worker made from a blob; it evaluates nothing and asks nobody
 * but us.
 */
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

export const redocPage: Page = () => redoc;
