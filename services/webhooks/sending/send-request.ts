import type { IncomingMessage } from "node:http";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { type AddressCheckOptions, createAddressCheck } from "../../../lib/outbound/public-lookup.ts";

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
  const { isAllowedHost, lookup } = createAddressCheck(options);
  return async ({ url: text, headers, body }) => {
    const url = new URL(text);
    if (!isAllowedHost(url.hostname)) return { error: "address_not_allowed" };
    try {
      return { status: await post(url, { headers, body, lookup, signal: AbortSignal.timeout(timeLimitMs) }) };
    } catch (error) {
      return { error: reasonOf(error) };
    }
  };
}

interface PostOptions extends Pick<WebhookRequest, "headers" | "body"> {
  readonly lookup: LookupFunction;
  readonly signal: AbortSignal;
}

/** `agent: false` opens a new connection for each request, so that the address of every connection was checked. */
function post(url: URL, { headers, body, lookup, signal }: PostOptions): Promise<number> {
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
      agent: false,
      lookup,
      signal,
    });
    let isAnswered = false;
    request.on("error", reject);
    // A connection may close without an error or a response, such as after a 101.
    request.on("close", () => {
      if (!isAnswered) reject(Object.assign(new Error("closed"), { code: "ECONNRESET" }));
    });
    request.on("response", (response) => {
      isAnswered = true;
      void discard(response).finally(() => resolve(response.statusCode ?? 0));
    });
    request.end(body);
  });
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

/** Error messages may contain the URL, and URLs often contain secrets, so only the code or the name is kept. */
function reasonOf(error: unknown): string {
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === "AbortError" || name === "TimeoutError") return "timeout";
  return typeof code === "string" ? code : name;
}
