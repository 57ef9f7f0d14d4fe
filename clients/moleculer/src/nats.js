import { setTimeout as delay } from "node:timers/promises";
import { Transporters } from "moleculer";
import { connect } from "nats";

const FLUSH_TIMEOUT_MS = 1_000;

/**
 * Options for the NATS client and for Moleculer's transporter. `NATS_URL` may list several servers, separated by commas; the
 * credentials of one apply to all.
 */
export function natsOptions(natsUrl) {
  const urls = natsUrl.split(",").map((one) => new URL(one.trim()));
  const named = urls.find((url) => url.username !== "");
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || "4222"}`),
    ...credentials(named),
    ...(urls.some((url) => url.protocol === "tls:") && { tls: {} }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 5_000,
    // Credentials may be rotated while the process runs; by default the client would give up.
    ignoreAuthErrorAbort: true,
  };
}

/** Without a scheme, `localhost:4222` would be a URL of the scheme `localhost` that has no host. */
export function isNatsUrl(natsUrl) {
  try {
    return natsUrl.split(",").every((one) => new URL(one.trim()).hostname !== "") && Boolean(natsOptions(natsUrl));
  } catch {
    return false;
  }
}

/** `nats://token@host` is a token, `nats://user:password@host` a user and a password. */
function credentials(url) {
  if (!url) return {};
  const user = decodeURIComponent(url.username);
  return url.password === "" ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}

/** Moleculer retries silently without end, so the first connection is made here, where a failure can be explained. */
export async function connectNats(natsUrl, name) {
  // Replies arrive at subjects that only this service may read, if the server has permissions.
  const options = { ...natsOptions(natsUrl), inboxPrefix: `_INBOX_${name}` };
  try {
    return await connect(options);
  } catch (error) {
    const user = options.user === undefined ? "" : ` as ${options.user}`;
    throw new Error(`Cannot connect to NATS at ${options.servers.join(", ")}${user}: ${error.message}. See NATS_URL.`, {
      cause: error,
    });
  }
}

/**
 * Sends what is still waiting, such as the last acknowledgements, and closes. While NATS is unavailable the flush rejects or waits
 * without end, and what was waiting is lost: the events come again.
 */
export async function closeConnection(connection) {
  const flushed = connection.flush().catch(() => undefined);
  await Promise.race([flushed, delay(FLUSH_TIMEOUT_MS, undefined, { ref: false })]);
  await connection.close();
}

/** Moleculer's own transporter could not be stopped while NATS is unavailable. */
export class PeerTransporter extends Transporters.NATS {
  async disconnect() {
    if (this.client) await closeConnection(this.client);
    this.client = null;
  }
}
