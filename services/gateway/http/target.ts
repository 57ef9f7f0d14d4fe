import { AppError } from "../../../lib/actions/errors.ts";
import { UNSAFE_NAMES } from "./json-scan.ts";

/**
 * Splits a request target (RFC 9112 section 3.2) into the path, without a trailing slash, and the query, without the
 * question mark. Decodes neither, but throws 400 for invalid percent-encoding.
 */
export function readTarget(url: string): { readonly path: string; readonly query: string } {
  const target = url.startsWith("/") ? url : toOriginForm(url);
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  if (target.includes("%")) assertPercentEncoding(target);
  return { path: withoutTrailingSlash(path), query: mark === -1 ? "" : target.slice(mark + 1) };
}

/** A proxy may send the absolute form, `http://host/path`. Anything else, such as `*`, becomes `/`. */
function toOriginForm(url: string): string {
  return /^https?:\/\/[^/?#]*(.*)$/i.exec(url)?.[1] || "/";
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.charCodeAt(path.length - 1) === 47 ? path.slice(0, -1) : path;
}

function assertPercentEncoding(text: string): void {
  try {
    decodeURIComponent(text);
  } catch {
    throw new AppError("bad_request", { message: "The URL contains an invalid percent-encoding." });
  }
}

/** Reads the named parameters of a query. The first of a repeated one counts, an empty one is left out. */
export function readQuery(query: string, names: readonly string[]): Record<string, string> {
  if (query === "" || names.length === 0) return {};
  const sent = new URLSearchParams(query);
  const params = names.map((name) => [name, sent.get(name) ?? ""] as const);
  return Object.fromEntries(params.filter(([, value]) => value !== ""));
}

const MAX_QUERY_PARAMETERS = 100;

/** All parameters of a query. The first of a repeated one counts. Throws 400 for more than 100, and for unsafe names. */
export function readWholeQuery(query: string): Record<string, string> {
  const sent = [...new URLSearchParams(query)];
  if (sent.length > MAX_QUERY_PARAMETERS || sent.some(([name]) => UNSAFE_NAMES.has(name)))
    throw new AppError("bad_request", { message: "The query has too many parameters, or one with an unsafe name." });
  return Object.fromEntries(sent.toReversed());
}
