import { AppError } from "../../../lib/actions/errors.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { respondWholeList } from "../api/respond.ts";
import type { OperatorGuard } from "../auth/operator-guard.ts";
import type { Handler } from "../http/request-context.ts";
import { renderMailbox } from "./dev-mailbox-page.ts";
import { html } from "./html-page.ts";

/** The mails of the embedded mail server, as a page for browsers and as JSON for programs. They contain working links. */
export function devMailPage({ mailbox, random }: Pick<Platform, "mailbox" | "random">, guard: OperatorGuard): Handler {
  return async ({ request }) => {
    if (!mailbox || !guard.allows(request)) throw new AppError("not_found");
    const mails = await mailbox.messages();
    if (!(request.headers.accept ?? "").includes("text/html"))
      return respondWholeList("Mails, newest first.", mails.toReversed());
    const nonce = random.bytes(16).toString("base64");
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;
    return html(renderMailbox(mails, { nonce }), policy);
  };
}
