import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { type AddressCheckOptions, createAddressCheck } from "./public-lookup.ts";

export interface CheckedRequestOptions {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole request: name resolution, connection, TLS and response. */
  readonly signal: AbortSignal;
}

/**
 * Sends one request, to a checked address only, and follows no redirect. Resolves to the response before its body is read.
 * A refused address rejects: code `no_public_address` if the URL has a host name, `address_not_allowed` if it has an IP address.
 */
export type CheckedRequest = (url: URL, options: CheckedRequestOptions) => Promise<IncomingMessage>;

export function createCheckedRequest(check: AddressCheckOptions): CheckedRequest {
  const { isAllowedHost, lookup } = createAddressCheck(check);
  return async (url, { method, headers, body, signal }) => {
    if (!isAllowedHost(url.hostname)) throw withCode("address_not_allowed");
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      // `agent: false` opens a new connection for each request, because a reused one would skip the check.
      const request = send(url, { method, headers, agent: false, lookup, signal });
      request.on("error", reject);
      request.on("response", resolve);
      // A connection may close without an error or a response, such as after a 101.
      request.on("close", () => reject(withCode("ECONNRESET")));
      request.end(body);
    });
  };
}

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Error messages may contain the URL, and URLs often contain secrets, so only the code or the name is kept. */
export function reasonOf(error: unknown): string {
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === "AbortError" || name === "TimeoutError") return "timeout";
  return typeof code === "string" ? code : name;
}
