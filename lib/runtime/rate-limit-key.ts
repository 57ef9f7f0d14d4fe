import { isIP } from "node:net";

/**
 * The client that limits count for an address: an IPv6 /64 is one client, because that is the smallest range a subscriber
 * gets. All forms of an address have the same key, and an IPv4-mapped one has that of the IPv4 address.
 */
export function rateLimitKey(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const groups = groupsOf(ip);
  return mappedAddress(groups) ?? `${groups.slice(0, 4).join(":")}::/64`;
}

/** The eight groups, in lower case and without leading zeros. The URL parser knows all forms of an IPv6 address but zones. */
function groupsOf(ip: string): readonly string[] {
  const { hostname } = new URL(`http://[${ip.replace(/%.*$/, "")}]`);
  const [left = [], right = []] = hostname
    .slice(1, -1)
    .split("::")
    .map((side) => (side === "" ? [] : side.split(":")));
  return [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
}

function mappedAddress(groups: readonly string[]): string | null {
  if (groups.slice(0, 6).join(":") !== "0:0:0:0:0:ffff") return null;
  const bytes = groups.slice(6).flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
  return bytes.join(".");
}
