import { type LookupAddress, lookup } from "node:dns";
import { Resolver } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./public-address.ts";

/** Resolves a name to all its addresses; rejects if it has none. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

export interface AddressCheckOptions {
  /** For development: names are then resolved as by every program on this machine, also those of `/etc/hosts`. */
  readonly allowPrivateAddresses: boolean;
  readonly resolve?: Resolve | undefined;
}

/** Both are given to the request, so that it connects to no other address. */
export interface AddressCheck {
  /** False if the host is an IP address that may not be connected to. Node.js does not look up an address. */
  isAllowedHost(hostname: string): boolean;
  readonly lookup: LookupFunction;
}

/**
 * For requests to URLs that people without access to this network have chosen. A name is resolved once, and only allowed
 * addresses are passed to the socket, so that an answer that changes in between (DNS rebinding) has no effect.
 */
export function createAddressCheck({ allowPrivateAddresses, resolve }: AddressCheckOptions): AddressCheck {
  const isAllowed = (address: string) => allowPrivateAddresses || isPublicAddress(address);
  const addressesOf = resolve ?? (allowPrivateAddresses ? resolveLikeSystem : resolveWithDns);
  return {
    isAllowedHost(hostname) {
      const host = hostname.replace(/^\[|\]$/g, "");
      return isIP(host) === 0 || isAllowed(host);
    },
    lookup(hostname, options, done) {
      addressesOf(hostname)
        .catch((error) => {
          throw allowPrivateAddresses ? error : noPublicAddress(error);
        })
        .then(
          (found) => {
            const [first, ...rest] = found.filter(({ address }) => isAllowed(address));
            if (!first) done(noPublicAddress(), "");
            else if (options.all) done(null, [first, ...rest]);
            else done(null, first.address, first.family);
          },
          (error) => done(error, ""),
        );
    },
  };
}

/**
 * Also used for a name that could not be resolved, so that the code does not reveal which internal names exist. `cause`
 * is the resolver's error; it is undefined if the name was resolved, but only to private addresses.
 */
function noPublicAddress(cause?: unknown): NodeJS.ErrnoException {
  return Object.assign(new Error("The name has no public address", { cause }), { code: "no_public_address" });
}

/** Occupies a thread of libuv's pool until the name server responds: four unanswered lookups block all file access. */
function resolveLikeSystem(hostname: string): Promise<LookupAddress[]> {
  return new Promise((done, failed) =>
    lookup(hostname, { all: true, verbatim: true }, (error, addresses) => (error ? failed(error) : done(addresses))),
  );
}

const DNS = { timeout: 2_000, tries: 2 };

/** Uses no pool thread, has a deadline, and ignores the machine's search domains, which would lead to internal names. */
async function resolveWithDns(hostname: string): Promise<LookupAddress[]> {
  const resolver = new Resolver(DNS);
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const addresses = [
    ...(ipv4.status === "fulfilled" ? ipv4.value.map((address) => ({ address, family: 4 })) : []),
    ...(ipv6.status === "fulfilled" ? ipv6.value.map((address) => ({ address, family: 6 })) : []),
  ];
  if (addresses.length === 0) throw (ipv4 as PromiseRejectedResult).reason;
  return addresses;
}
