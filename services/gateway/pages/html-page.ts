import type { HttpResponse } from "../http/response.ts";

/** No inline scripts or styles, nothing from other origins, and no framing (ASVS V3.4). */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

export function html(body: string): HttpResponse {
  return { status: 200, contentType: "text/html; charset=utf-8", body, contentSecurityPolicy: PAGE_POLICY };
}

interface Parts {
  readonly title: string;
  readonly main: string;
  readonly script: string;
}

/** A small page with fixed text: nothing from the request is written into it. */
export function layout({ title, main, script }: Parts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>${title}</title>
<link rel="stylesheet" href="/assets/page.css">
<script type="module" src="/assets/${script}"></script>
</head>
<body>
<main>
<h1>${title}</h1>
${main}
<noscript><p>This page needs JavaScript to send the form.</p></noscript>
</main>
</body>
</html>
`;
}
