import type { IncomingMessage } from "node:http";

/**
 * True for a browser that opens a page: it asks for HTML by name and prefers it (RFC 9110 section 12.5.1). Scripts and
 * programs that accept anything get JSON.
 */
export function prefersHtml({ headers: { accept = "" } }: Pick<IncomingMessage, "headers">): boolean {
  const ranges = accept.slice(0, 1_000).toLowerCase().split(",").map(readRange);
  const html = ranges.find(({ type }) => type === "text/html");
  if (!html || html.quality === 0) return false;
  const json = ranges.filter(({ type }) => type === "application/json" || type === "application/problem+json");
  return json.every(
    (one) => html.quality > one.quality || (html.quality === one.quality && precedes(ranges, html, one)),
  );
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function readRange(text: string): Range {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim());
  const quality = parameters.find((one) => one.startsWith("q="))?.slice(2);
  return { type, quality: quality === undefined ? 1 : Number(quality) || 0 };
}

function precedes(ranges: readonly Range[], one: Range, other: Range): boolean {
  return ranges.indexOf(one) < ranges.indexOf(other);
}

/** The languages of `Accept-Language`, the most wanted first, as `fr-CH` or `*` (RFC 9110 section 12.5.4). */
export function acceptedLanguages({ headers }: Pick<IncomingMessage, "headers">): string[] {
  const sent = headers["accept-language"];
  if (sent === undefined) return [];
  const wanted = sent
    .slice(0, 500)
    .split(",")
    .map(readRange)
    .filter(({ quality }) => quality > 0);
  return wanted.toSorted((left, right) => right.quality - left.quality).map(({ type }) => type);
}
