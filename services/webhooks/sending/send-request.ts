import { type LookupAddress, lookup } from "node:dns";
import type { IncomingMessage } from "node:http";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./public-address.ts";

/** For the whole request: name resolution, connection, TLS and response. */
export const TIME_LIMIT_MS = 10_000;
/** How much of a response is read. Only its status counts, but receivers may log an error if the connection is cut at once. */
const MAX_RESPONSE_BYTES = 64 * 1_024;

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The status, or why there is none: a code of Node.js such as `ECONNREFUSED`, `timeout` or `address_not_allowed`. */
export type WebhookResponse =
  | { readonly status: number; readonly error?: undefined }
  | { readonly status?: undefined; readonly error: string };

type Resolve = (
  hostname: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface SenderOptions {
  readonly allowPrivateAddresses: boolean;
  readonly resolve?: Resolve;
  readonly timeLimitMs?: number;
}

export type SendRequest = (request: WebhookRequest) => Promise<WebhookResponse>;

const systemResolve: Resolve = (hostname, done) => lookup(hostname, { all: true, verbatim: true }, done);

/**
 * Sends one POST and follows no redirect. The socket connects to the address that was checked: the name is not resolved a
 * second time, so that an answer that changes in between (DNS rebinding) has no effect.
 */
export function createSender({
  allowPrivateAddresses,
  resolve = systemResolve,
  timeLimitMs = TIME_LIMIT_MS,
}: SenderOptions): SendRequest {
  const isAllowed = (address: string) => allowPrivateAddresses || isPublicAddress(address);
  const checkedLookup = createLookup(resolve, isAllowed);
  return async ({ url: text, headers, body }) => {
    const url = new URL(text);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    // Node.js does not look up a host that is an IP address, so it is checked here.
    if (isIP(host) && !isAllowed(host)) return { error: ADDRESS_NOT_ALLOWED };
    try {
      return {
        status: await post(url, { headers, body, lookup: checkedLookup, signal: AbortSignal.timeout(timeLimitMs) }),
      };
    } catch (error) {
      return { error: reasonOf(error) };
    }
  };
}

const ADDRESS_NOT_ALLOWED = "address_not_allowed";

/** Resolves the name once and passes only the allowed addresses to the socket, which resolves nothing itself. */
export function createLookup(resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, (error, addresses = []) => {
      if (error) return done(error, "");
      const [first, ...rest] = addresses.filter(({ address }) => isAllowed(address));
      if (!first) return done(Object.assign(new Error(ADDRESS_NOT_ALLOWED), { code: ADDRESS_NOT_ALLOWED }), "");
      if (options.all) done(null, [first, ...rest]);
      else done(null, first.address, first.family);
    });
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
