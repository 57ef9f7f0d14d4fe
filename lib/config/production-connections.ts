import { isIP } from "node:net";
import {
  decodePart,
  PASSWORD,
  type Server,
  serversOf,
  urlsOf,
  type Weakness,
  weakSecret,
  when,
} from "./production-secrets.ts";
import type { Values } from "./variables.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Servers over a network must be authenticated by TLS, and all of them must ask for credentials. */
export function connections(values: Values, env: Environment): Weakness[] {
  return [
    ...databaseTls(values),
    ...plainServers(values, "NATS_URL", "tls:"),
    ...plainServers(values, "REDIS_URL", "rediss:"),
    ...mailTls(values),
    ...serversOf(values).flatMap(serverPassword),
    ...when(
      env.NODE_TLS_REJECT_UNAUTHORIZED === "0",
      "NODE_TLS_REJECT_UNAUTHORIZED",
      "must not be 0: no certificate would be verified. Use NODE_EXTRA_CA_CERTS for a private CA",
    ),
  ];
}

function databaseTls({ DATABASE_URL, DB_SSL }: Values): Weakness[] {
  const [url] = urlsOf(DATABASE_URL);
  if (!url || isLocal(url)) return [];
  return when(
    DB_SSL !== "verify",
    "DB_SSL",
    "must be verify: the server of DATABASE_URL is not authenticated. Use DB_SSL_CA for a private CA",
  );
}

function plainServers(values: Values, name: "NATS_URL" | "REDIS_URL", protocol: string): Weakness[] {
  const remote = urlsOf(values[name]).filter((url) => !isLocal(url));
  if (remote.every((url) => url.protocol === protocol)) return [];
  return [{ name, problem: `must start with ${protocol}// unless the server is on this machine` }];
}

/** The embedded SMTP server and a relay on this machine need no TLS. */
function mailTls({ SMTP_HOST, SMTP_PORT, SMTP_TLS }: Values): Weakness[] {
  const isVerified = SMTP_TLS === "require" || (SMTP_PORT === 465 && SMTP_TLS !== "off");
  if (SMTP_HOST === undefined || isVerified || isLoopbackName(SMTP_HOST)) return [];
  return [{ name: "SMTP_TLS", problem: "must be require: password reset links would cross the network unprotected" }];
}

function serverPassword({ name, urls }: Server): Weakness[] {
  if (urls.length === 0 || urls.every(isUnixSocket)) return [];
  // A NATS token is the user name of its URL; the URLs of a cluster share the credentials of one of them.
  const secret = urls.map((url) => url.password || (name === "NATS_URL" ? url.username : "")).find((one) => one !== "");
  if (secret === undefined)
    return [{ name, problem: "must include credentials: anyone who reaches the server could use it" }];
  return weakSecret(name, decodePart(secret), PASSWORD);
}

function isLocal(url: URL): boolean {
  return isUnixSocket(url) || isLoopbackName(url.hostname);
}

function isUnixSocket(url: URL): boolean {
  return /^redis\+unix:|^unix:/.test(url.protocol) || /^%2f/i.test(url.hostname);
}

export function isLoopbackUrl(url: string): boolean {
  return URL.canParse(url) && isLoopbackName(new URL(url).hostname);
}

function isLoopbackName(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}
