import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AppError } from "../../../../lib/actions/errors.ts";
import type { Call } from "../../../../lib/actions/typed-call.ts";
import type { DevMailbox, Mail, Platform } from "../../../../lib/runtime/platform.ts";
import { respondWholeList, successResponse } from "../../api/respond.ts";
import type { OperatorGuard } from "../../auth/operator-guard.ts";
import type { Handler } from "../../http/request-context.ts";
import { type HttpResponse, JSON_TYPE } from "../../http/response.ts";
import { mailFrame } from "./mail-frame.ts";

interface DevMailDeps extends Pick<Platform, "mailbox"> {
  readonly guard: OperatorGuard;
  readonly call: Call;
  /** The pages with browser code. */
  readonly pages: { readonly mailbox: Handler; readonly samples: Handler };
}

/**
 * The mails of the embedded mail server, which contain working links, and samples of all mails: pages for browsers and JSON
 * for programs. Only where there is such a server, and only for this machine or with OPERATOR_TOKEN.
 */
export function devMailPages({ mailbox, guard, call, pages }: DevMailDeps) {
  const allowed =
    (handle: (mailbox: DevMailbox, ...args: Parameters<Handler>) => ReturnType<Handler>): Handler =>
    (context, pathParams) => {
      if (!mailbox || !guard.isOperator(context.request) || isFromOtherSite(context.request))
        throw new AppError("not_found");
      return handle(mailbox, context, pathParams);
    };
  const samples = () => call("mail.samples", {});
  return {
    devMail: allowed(async (box, context, pathParams) => {
      if (wantsHtml(context.request)) return pages.mailbox(context, pathParams);
      return respondToPoll(context.request, (await box.messages()).toReversed());
    }),
    devMailClear: allowed(async (box) => {
      await box.clear();
      return successResponse(200, { message: "The mailbox is empty.", data: null });
    }),
    devMailFrame: allowed(async (box, _, { id }) => {
      const mail = (await box.messages()).find((one) => one.id === id);
      if (!mail) throw new AppError("not_found");
      return mailFrame(mail.html);
    }),
    mailSamples: allowed(async (_, context, pathParams) => {
      if (wantsHtml(context.request)) return pages.samples(context, pathParams);
      return respondWholeList("Samples of all mails.", (await samples()).samples);
    }),
    mailSampleFrame: allowed(async (_box, _context, { name }) => {
      const { samples: all, logo } = await samples();
      const found = all.find((one) => one.name === name);
      if (!found) throw new AppError("not_found");
      return mailFrame(found.html.replace(/\bcid:[^"]+/, `data:image/png;base64,${logo}`));
    }),
  } satisfies Readonly<Record<string, Handler>>;
}

function wantsHtml({ headers: { accept = "" } }: IncomingMessage): boolean {
  return accept.includes("text/html");
}

/**
 * Whether a page of another site sent the request, whatever ALLOWED_ORIGINS says. Such a page may link here, but must not
 * read, frame or change anything (Fetch Metadata, section 2.3).
 */
function isFromOtherSite({ method, headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  const isOwn = site === undefined || site === "same-origin" || site === "none";
  return !isOwn && (method !== "GET" || headers["sec-fetch-dest"] !== "document");
}

/** The page polls every two seconds, and gets a 304 unless there is a new mail (RFC 9110 section 13.1.2). */
function respondToPoll({ headers }: IncomingMessage, mails: readonly Mail[]): HttpResponse {
  const hash = createHash("sha256").update(mails.map(({ id }) => id).join());
  const tag = `"${hash.digest("hex").slice(0, 24)}"`;
  const common = { headers: ["ETag", tag] };
  if (headers["if-none-match"] === tag) return { status: 304, contentType: JSON_TYPE, body: "", ...common };
  return { ...respondWholeList("Mails, newest first.", mails), ...common };
}
