import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Client } from "../../../lib/actions/caller.ts";

/**
 * Whose request it is. Each proxy of ours appends the address it was called from to `X-Forwarded-For`, so with `hops`
 * of them the entry that many from the right is the first that we can believe; all left of it is the client's own tale.
 */
export function readClient(request: IncomingMessage, hops: number): Client {
  return { ip: addressOf(request, hops), user_agent: (request.headers["user-agent"] ?? "").slice(0, 1_024) };
}

function addressOf(request: IncomingMessage, hops: number): string {
  const peer = plain(request.socket.remoteAddress ?? "");
  if (hops === 0) return peer;
  const forwarded = String(request.headers["x-forwarded-for"] ?? "")
    .split(",")
    .map((entry) => plain(entry.trim()));
  const believed = forwarded.at(-hops) ?? forwarded[0] ?? "";
  return isIP(believed) === 0 ? peer : believed;
}

/** IPv4 in its own form, also where the socket speaks IPv6; no port, brackets or zone. */
function plain(address: string): string {
  if (isIP(address) === 4) return address;
  const bare = address.replace(/^\[|\](?::\d+)?$/g, "").replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  return mapped ?? bare.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1").toLowerCase();
}

/** What limits count: an IPv6 customer has at least a /64 to himself, and would else have 2^64 buckets. */
export function rateLimitKey(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const [head = "", tail] = ip.split("::");
  const left = head === "" ? [] : head.split(":");
  if (tail === undefined) return `${left.slice(0, 4).join(":")}::/64`;
  const right = tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
  return `${groups.slice(0, 4).join(":")}::/64`;
}

/** What proxies add to a request that they pass on. */
const PROXIED = ["x-forwarded-for", "forwarded", "x-real-ip", "via"] as const;

/** Is it this very machine that asks, and nobody through a proxy on it? */
export function isLoopback(request: IncomingMessage): boolean {
  const peer = plain(request.socket.remoteAddress ?? "");
  const isLocal = peer === "::1" || peer.startsWith("127.");
  return isLocal && PROXIED.every((name) => request.headers[name] === undefined);
}
