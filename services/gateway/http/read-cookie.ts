import type { IncomingMessage } from "node:http";
import { parseCookie } from "cookie";

/** The first cookie of that name, undefined if it is missing or empty. Our values need no decoding. */
export function readCookie({ headers }: IncomingMessage, name: string): string | undefined {
  if (headers.cookie === undefined) return undefined;
  return parseCookie(headers.cookie, { decode: (value) => value })[name] || undefined;
}
