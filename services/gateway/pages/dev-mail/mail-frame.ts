import type { HttpResponse } from "../../http/response.ts";
import { html } from "../html-page.ts";

/**
 * For a document that is shown in a frame of ours and that we do not trust: it runs no script, submits no form and loads
 * nothing, and its links open in new tabs. The policy holds outside the frame as well.
 */
const FRAME_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/** The HTML part of a mail as its reader sees it. */
export function mailFrame(part: string): HttpResponse {
  const target = '<base target="_blank">';
  const hasHead = /<head[^>]*>/i.test(part);
  const document = hasHead ? part.replace(/<head[^>]*>/i, (head) => head + target) : `<!doctype html>${target}${part}`;
  return html(document, FRAME_POLICY);
}
