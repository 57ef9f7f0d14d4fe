import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Client } from "../../../lib/actions/caller.ts";
import { acceptedLanguages } from "./accept.ts";

/**
 * The client's address, user agent and languages. Each trusted proxy appends the address of its caller to `X-Forwarded-For`, so
 * behind `hops` proxies the client is entry number `hops` from the right; entries further left can be forged.
 */
export function readClient(request: IncomingMessage, hops: number): Client {
  const languages = readLanguages(request);
  return {
    ip: readAddress(request, hops),
    user_agent: (request.headers["user-agent"] ?? "").slice(0, 1_024),
    ...(languages.length > 0 && { languages }),
  };
}

const MAX_LANGUAGES = 5;

/** Languages are passed on without regions, because no text of ours depends on them. */
function readLanguages(request: IncomingMessage): string[] {
  const tags = acceptedLanguages(request).map((tag) => tag.toLowerCase().split("-")[0] as string);
  return [...new Set(tags)].filter((tag) => /^[a-z]{2,3}$/.test(tag)).slice(0, MAX_LANGUAGES);
}

function readAddress(request: IncomingMessage, hops: number): string {
  const peer = normalize(request.socket.remoteAddress ?? "");
  if (hops === 0) return peer;
  const forwarded = String(request.headers["x-forwarded-for"] ?? "")
    .split(",")
    .map((entry) => normalize(entry.trim()));
  const address = forwarded.at(-hops) ?? forwarded[0] ?? "";
  return isIP(address) === 0 ? peer : address;
}

/** Writes an IPv4-mapped IPv6 address as IPv4, and removes port, brackets and zone. */
function normalize(address: string): string {
  if (isIP(address) === 4) return address;
  const bare = address.replace(/^\[|\](?::\d+)?$/g, "").replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? bare.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1").toLowerCase();
}

const PROXY_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip", "via"] as const;

/**
 * True for a request from this machine to this machine, unless a proxy on it has forwarded the request. A page of another
 * site whose name resolves to a loopback address (DNS rebinding) sends that name as its Host.
 */
export function isLoopback(request: IncomingMessage): boolean {
  const isLocal = isLoopbackName(normalize(request.socket.remoteAddress ?? ""));
  return isLocal && isLoopbackName(hostNameOf(request)) && PROXY_HEADERS.every((name) => !request.headers[name]);
}

/** The name in the Host header: without the port, in lower case. */
export function hostNameOf({ headers: { host = "" } }: IncomingMessage): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[|\]$/g, "");
}

function isLoopbackName(name: string): boolean {
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}
