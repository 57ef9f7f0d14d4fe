import { AppError } from "../../../lib/actions/errors.ts";

export interface Target {
  /** Without a trailing slash, not decoded. */
  readonly path: string;
  /** Without the question mark, not decoded. */
  readonly query: string;
}

/** Splits a request target (RFC 9112 section 3.2). Throws 400 for percent signs that encode nothing. */
export function readTarget(url: string): Target {
  const target = url.startsWith("/") ? url : originForm(url);
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  if (target.includes("%")) assertEncoding(target);
  return { path: withoutTrailingSlash(path), query: mark === -1 ? "" : target.slice(mark + 1) };
}

/** A proxy may be sent `http://host/path`; what is no URL at all is nowhere. */
function originForm(url: string): string {
  const match = /^https?:\/\/[^/?#]*(.*)$/i.exec(url);
  return match?.[1] || "/";
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.charCodeAt(path.length - 1) === 47 ? path.slice(0, -1) : path;
}

function assertEncoding(text: string): void {
  try {
    decodeURIComponent(text);
  } catch {
    throw new AppError("bad_request", { message: "The URL contains an invalid percent-encoding." });
  }
}

/** The named parameters of a query; unknown ones are ignored, of doubles the first counts, an empty one is absent. */
export function readQuery(query: string, names: readonly string[]): Record<string, string> {
  if (query === "") return {};
  const given = new URLSearchParams(query);
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = given.get(name);
    if (value !== null && value !== "") found[name] = value;
  }
  return found;
}
