import type { HttpResponse } from "../http/response.ts";

/** No inline scripts or styles, nothing from other origins, and no framing (ASVS V3.4). */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/** For pages of ours that show other documents of this server in frames. */
export const FRAMING_PAGE_POLICY = `${PAGE_POLICY}; frame-src 'self'`;

export function html(body: string, contentSecurityPolicy: string = PAGE_POLICY): HttpResponse {
  return { status: 200, contentType: "text/html; charset=utf-8", body, contentSecurityPolicy };
}

/** A document with fixed text: nothing from the request is written into it. `head` has its stylesheets and scripts. */
export function htmlDocument(title: string, head: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${head}
</head>
<body>
${body}
</body>
</html>
`;
}
