/** What is to be sent: the pipeline adds the headers that every answer has. */
export interface HttpResponse {
  readonly status: number;
  /** Content-Type. */
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Sent instead of `body`, one after the other and no faster than the client takes them. */
  readonly chunks?: AsyncIterable<string>;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers?: readonly string[];
  /** Replaces the strict policy that fits answers without scripts. */
  readonly contentSecurityPolicy?: string;
  /** Replaces `no-store`. */
  readonly cacheControl?: string;
}

export const JSON_TYPE = "application/json; charset=utf-8";

export function jsonResponse(status: number, value: unknown, more: Partial<HttpResponse> = {}): HttpResponse {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(value), ...more };
}
