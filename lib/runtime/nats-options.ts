import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions as TlsOptions } from "node:tls";
import type { ConnectionOptions } from "nats";

/** NATS_URL may list several servers, separated by commas. Credentials and TLS of any of them apply to all. */
export function natsOptions(natsUrl: string): ConnectionOptions {
  const urls = natsUrl.split(",").map((one) => new URL(one.trim()));
  const named = urls.find((url) => url.username !== "");
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || "4222"}`),
    ...credentials(named),
    ...(urls.some((url) => url.protocol === "tls:") && { tls: tlsOf(urls) }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    reconnectJitterTLS: 100,
    // Detects a hanging server or broken network within seconds; the default is four minutes.
    pingInterval: 2_000,
    maxPingOut: 2,
    timeout: 2_000,
    // Credentials may change while the node runs; by default the client would give up.
    ignoreAuthErrorAbort: true,
  };
}

/** `nats://token@host` is a token, `nats://user:password@host` a user and password. */
function credentials(url: URL | undefined): Pick<ConnectionOptions, "user" | "pass" | "token"> {
  if (!url) return {};
  const user = decodeURIComponent(url.username);
  return url.password === "" ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}

/**
 * For a server given as an IP address, nats.js passes no host name to Node, which then accepts any certificate issued for
 * `localhost`. Checks the certificate against our addresses instead.
 */
function tlsOf(urls: readonly URL[]): NonNullable<ConnectionOptions["tls"]> & Pick<TlsOptions, "checkServerIdentity"> {
  const hosts = urls.map((url) => url.hostname.replace(/^\[|\]$/g, ""));
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  return {
    checkServerIdentity(name, certificate) {
      if (addresses.length === 0 || hosts.includes(name)) return checkServerIdentity(name, certificate);
      const found = addresses.map((address) => checkServerIdentity(address, certificate));
      return found.includes(undefined) ? undefined : found[0];
    },
  };
}
