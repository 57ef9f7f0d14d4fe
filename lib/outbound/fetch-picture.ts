import type { IncomingMessage } from "node:http";
import { type CheckedRequest, createCheckedRequest, reasonOf } from "./checked-request.ts";
import type { AddressCheckOptions } from "./public-lookup.ts";

/** For all requests together: name resolution, connections, redirects and the body. */
const TIME_LIMIT_MS = 10_000;
const MAX_REDIRECTS = 3;

export interface PictureFailure {
  /** A code of ours such as `http_404` or `too_large`, or of Node.js. Never a URL: anyone who knows it can see the picture. */
  readonly problem: string;
  /** False if another attempt would fail for the same reason. */
  readonly isTemporary: boolean;
}

export type FetchPicture = (url: string) => Promise<Buffer | PictureFailure>;

export interface PictureFetcherOptions extends AddressCheckOptions {
  readonly maxBytes: number;
  readonly timeLimitMs?: number;
}

/**
 * Fetches a URL that someone outside the installation has chosen, from checked addresses only. The URL and its redirects must
 * be https; http is allowed only together with private addresses.
 */
export function createPictureFetcher(options: PictureFetcherOptions): FetchPicture {
  const { maxBytes, timeLimitMs = TIME_LIMIT_MS, ...check } = options;
  const protocols = check.allowPrivateAddresses ? ["https:", "http:"] : ["https:"];
  const request = createCheckedRequest(check);
  return async (text) => {
    const signal = AbortSignal.timeout(timeLimitMs);
    try {
      const response = await follow(request, protocols, text, signal);
      return await readBody(response, maxBytes);
    } catch (error) {
      if (error instanceof Unusable) return { problem: error.message, isTemporary: error.isTemporary };
      return { problem: signal.aborted ? "timeout" : reasonOf(error), isTemporary: !isAddressRefused(error) };
    }
  };
}

class Unusable extends Error {
  readonly isTemporary: boolean;
  constructor(problem: string, isTemporary = false) {
    super(problem);
    this.isTemporary = isTemporary;
  }
}

async function follow(
  request: CheckedRequest,
  protocols: readonly string[],
  start: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let url = URL.parse(start);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    if (!url || !protocols.includes(url.protocol)) throw new Unusable("url_not_allowed");
    const headers = { accept: "image/*", "user-agent": "usermesh" };
    const response = await request(url, { method: "GET", headers, signal });
    const { statusCode: status = 0 } = response;
    if (status === 200) return response;
    response.destroy();
    const { location } = response.headers;
    if (!REDIRECTS.has(status) || location === undefined)
      throw new Unusable(`http_${status}`, isTemporaryStatus(status));
    url = URL.parse(location, url.href);
  }
  throw new Unusable("too_many_redirects");
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** 408 and 429 ask to try again later (RFC 9110 section 15.5.9, RFC 6585 section 4). */
function isTemporaryStatus(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}

/** Stops at the limit, whatever length the server has announced. Throwing inside the loop destroys the response, which closes the connection. */
async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > maxBytes) throw new Unusable("too_large");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** The address is private, or the name does not exist. A name server that does not respond may do so later. */
function isAddressRefused(error: unknown): boolean {
  const { code, cause } = error as NodeJS.ErrnoException & { readonly cause?: NodeJS.ErrnoException };
  if (code === "address_not_allowed") return true;
  return code === "no_public_address" && (cause === undefined || ["ENOTFOUND", "ENODATA"].includes(cause.code ?? ""));
}
