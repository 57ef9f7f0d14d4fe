import { BlockList, isIPv6 } from "node:net";

/**
 * Networks that do not belong to the public internet, or may not: those of IANA's special-purpose registries (RFC 6890),
 * such as loopback, private and link-local networks (cloud metadata), and multicast.
 */
const specialIpv4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;

/** Parts of the global unicast network that are not public: protocol assignments such as Teredo, documentation, 6to4. */
const specialIpv6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const refused = new BlockList();
for (const [network, prefix] of specialIpv4) refused.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of specialIpv6) refused.addSubnet(network, prefix, "ipv6");
const globalIpv6 = new BlockList();
// Every other IPv6 address is loopback, private, link-local or multicast, or contains an IPv4 address (mapped, NAT64).
globalIpv6.addSubnet("2000::", 3, "ipv6");

export function isPublicAddress(address: string): boolean {
  if (!isIPv6(address)) return !refused.check(address, "ipv4");
  return globalIpv6.check(address, "ipv6") && !refused.check(address, "ipv6");
}
