import { isIP } from "node:net";
import * as z from "zod";
import { isEmail } from "../actions/schemas.ts";
import { list, split } from "./schemas.ts";

/**
 * Schemas of addresses: URLs, origins, hosts and mailboxes. Each accepts the spellings that mean the same, and yields the one
 * form that the code compares. Errors don't quote the value: a URL can contain a password.
 */
const HTTP = /^https?:\/\/[^/\\]/i;
/** Names and addresses of hosts as they are after URL parsing. */
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?|\[[0-9a-f:.]+\])$/;

/** `undefined` also for what a URL parser forgives: a missing `//`, backslashes, several URLs in one. */
function parseHttp(value: string): URL | undefined {
  const url = HTTP.test(value.trim()) ? URL.parse(value.trim()) : null;
  return url && HOST.test(url.hostname) ? url : undefined;
}

function parsed<T>(error: string, parse: (value: string) => T | undefined) {
  return z.string().transform((value, context): T => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

export const httpUrl = parsed("must be an http or https URL", (value) => parseHttp(value)?.href);

/** Left as it is, because providers compare it exactly with the one that they know. */
export const redirectUrl = z.string().refine((value) => parseHttp(value) !== undefined && value.trim() === value, {
  error: "must be an http or https URL",
});

/** Removes trailing slashes, except from a URL with a query or fragment, where they matter: `/#/` is a route of a single-page application. */
export const webUrl = httpUrl.transform((url) => (/[?#]/.test(url) ? url : withoutEndSlashes(url)));

/** To which paths are appended. */
export const baseUrl = parsed("must be an http or https URL, without user, query and fragment", (value) => {
  const url = parseHttp(value);
  if (!url || /[?#]/.test(value) || url.username !== "" || url.password !== "") return undefined;
  return withoutEndSlashes(url.href);
});

function withoutEndSlashes(url: string): string {
  return url.replace(/\/+$/, "");
}

/** As browsers send them: in lower case, without a path and a default port. `*` is any. */
export const origins = list.pipe(
  z.array(
    parsed("must be origins like https://app.example.com, without a path or wildcards, or *", (value) =>
      value === "*" ? value : originOf(value),
    ),
  ),
);

/** Apps have origins as well: `capacitor://localhost`. */
function originOf(value: string): string | undefined {
  const http = parseHttp(value);
  if (http) return http.href === `${http.origin}/` ? http.origin : undefined;
  const app = /^(?!https?:|file:|null)[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(?::\d+)?$/i.test(value);
  return app ? value.toLowerCase() : undefined;
}

/** The name or address of a host alone. */
export const host = parsed("must be the name or address of a host, without scheme and port", (value) => {
  const bare = value
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) !== 0 || HOST.test(bare) ? bare : undefined;
});

/** One Redis. */
export const redisUrl = parsed("must be one URL, redis:// or rediss:// (with TLS)", (value) => {
  const url = /^rediss?:\/\//i.test(value.trim()) ? URL.parse(value.trim()) : null;
  const isOne = url && HOST.test(url.hostname.toLowerCase()) && /^\/?\d*$/.test(url.pathname);
  return isOne && !["tls", "ssl"].some((name) => url.searchParams.has(name)) ? url.href : undefined;
});

/** One NATS server, or several separated by commas: what one of them says about TLS and credentials holds for all. */
export const natsUrls = parsed(
  "must be nats:// or tls:// URLs, all of one scheme and with the same credentials or none",
  (value) => {
    const urls = split(value, ",").map((one) => (/^(?:nats|tls):\/\//i.test(one) ? URL.parse(one) : null));
    const known = urls.filter((url) => url !== null && HOST.test(url.hostname.toLowerCase()));
    const credentials = known.map((url) => `${url?.username}:${url?.password}`).filter((one) => one !== ":");
    const isOneSetting = new Set(known.map((url) => url?.protocol)).size === 1 && new Set(credentials).size <= 1;
    return known.length === urls.length && isOneSetting ? known.map((url) => url?.href).join(",") : undefined;
  },
);

/** `Name <address>`, or the address alone. */
export const sender = parsed("must be an address like Usermesh <no-reply@example.com>", (value) => {
  const text = value.trim();
  const [, address = text] = /^[^<>]*<([^<>]*)>$/.exec(text) ?? [];
  const isMailbox = isEmail(address) || /^[^\s@<>,]+@localhost$/.test(address);
  return isMailbox && !/[\r\n]/.test(text) ? text : undefined;
});
