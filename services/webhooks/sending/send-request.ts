import type { IncomingMessage } from "node:http";
import { createCheckedRequest, reasonOf } from "../../../lib/outbound/checked-request.ts";
import type { AddressCheckOptions } from "../../../lib/outbound/public-lookup.ts";

/** For the whole request: name resolution, connection, TLS and response. */
export const TIME_LIMIT_MS = 10_000;
/** How much of a response is read. Only its status counts, but receivers may log an error if the connection is cut at once. */
const MAX_RESPONSE_BYTES = 64 * 1_024;

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The status, or why there is none: a code of Node.js such as `ECONNREFUSED`, `timeout`, `no_public_address` of a name or
 * `address_not_allowed` of an IP address.
 */
export type WebhookResponse =
  | { readonly status: number; readonly error?: undefined }
  | { readonly status?: undefined; readonly error: string };

export interface SenderOptions extends AddressCheckOptions {
  readonly timeLimitMs?: number;
}

export type SendRequest = (request: WebhookRequest) => Promise<WebhookResponse>;

/** Sends one POST, to a checked address only, and follows no redirect. */
export function createSender({ timeLimitMs = TIME_LIMIT_MS, ...options }: SenderOptions): SendRequest {
  const request = createCheckedRequest(options);
  return async ({ url, headers: own, body }) => {
    const headers = { ...own, "content-length": String(Buffer.byteLength(body)) };
    const signal = AbortSignal.timeout(timeLimitMs);
    try {
      const response = await request(new URL(url), { method: "POST", headers, body, signal });
      await discard(response);
      return { status: response.statusCode ?? 0 };
    } catch (error) {
      return { error: reasonOf(error) };
    }
  };
}

/** Reads and drops the body. The status has already decided the outcome, so a body that breaks off is not a failure. */
async function discard(response: IncomingMessage): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of response) {
      size += (chunk as Buffer).length;
      if (size > MAX_RESPONSE_BYTES) break;
    }
  } catch {
    response.destroy();
  }
}
