import type { ConnectionOptions } from "nats";

/** NATS_URL may name several servers with commas; credentials and TLS are those of any of them. */
export function natsOptions(natsUrl: string): ConnectionOptions {
  const urls = natsUrl.split(",").map((one) => new URL(one.trim()));
  const named = urls.find((url) => url.username !== "");
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || "4222"}`),
    ...credentials(named),
    ...(urls.some((url) => url.protocol === "tls:") && { tls: {} }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    reconnectJitterTLS: 100,
    // A server that hangs, or a cable that was pulled, is noticed within seconds: the default is four minutes.
    pingInterval: 2_000,
    maxPingOut: 2,
    timeout: 2_000,
    // Credentials may be changed under a running node; giving up for ever helps nobody.
    ignoreAuthErrorAbort: true,
  };
}

/** `nats://token@host` is a token, `nats://user:password@host` a user. */
function credentials(url: URL | undefined): Pick<ConnectionOptions, "user" | "pass" | "token"> {
  if (!url) return {};
  const user = decodeURIComponent(url.username);
  return url.password === "" ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}
