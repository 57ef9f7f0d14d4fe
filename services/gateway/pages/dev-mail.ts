import { AppError } from "../../../lib/actions/errors.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { jsonResponse } from "../http/response.ts";
import { renderMailbox } from "./dev-mailbox-page.ts";
import { html, type Page } from "./html-page.ts";

/** The mails of the embedded mail server: as a page for a browser, as JSON for a program. They hold working links. */
export function devMailPage(
  { mailbox, random }: Pick<Platform, "mailbox" | "random">,
  isOpenTo: (...args: Parameters<Page>) => boolean,
): Page {
  return async (...args) => {
    if (!mailbox || !isOpenTo(...args)) throw new AppError("not_found");
    const mails = await mailbox.messages();
    const [{ request }] = args;
    if (!(request.headers.accept ?? "").includes("text/html")) {
      const meta = {
        total: mails.length,
        page: 1,
        limit: Math.max(1, mails.length),
        total_pages: 1,
        has_next: false,
        has_previous: false,
        next_cursor: null,
      };
      return jsonResponse(200, { success: true, message: "Mails, newest first.", data: mails.toReversed(), meta });
    }
    const nonce = random.bytes(16).toString("base64");
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;
    return { ...html(renderMailbox(mails, { nonce })), contentSecurityPolicy: policy };
  };
}
