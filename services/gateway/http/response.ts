import type { Readable } from "node:stream";

export type Chunks = AsyncIterable<string> | Readable;

/** A response, without the headers that all responses have. */
export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Streamed instead of `body`, with backpressure. */
  readonly chunks?: Chunks;
  /** Alternating names and values, as `writeHead` takes them. */
  readonly headers?: readonly string[];
  /** Replaces the strict policy for responses without scripts. */
  readonly contentSecurityPolicy?: string;
  /** Replaces `no-store`. */
  readonly cacheControl?: string;
}

export const JSON_TYPE = "application/json; charset=utf-8";
export const TEXT_TYPE = "text/plain; charset=utf-8";

export function jsonResponse(status: number, value: unknown, more: Partial<HttpResponse> = {}): HttpResponse {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(value), ...more };
}
