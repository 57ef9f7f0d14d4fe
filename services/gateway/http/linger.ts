import type { IncomingMessage } from "node:http";
import type { Timers } from "../../../lib/runtime/clock.ts";

/** Bounds the time, and with it the bytes read. A limit in bytes would also cut off fast clients that are nearly done. */
const MAX_LINGER_MS = 2_000;

/** True while the client is still sending the request's body. */
export function isStillSending({ complete, headers }: IncomingMessage): boolean {
  return !complete && ((headers["content-length"] ?? "0") !== "0" || headers["transfer-encoding"] !== undefined);
}

/**
 * Reads and discards the rest of a body, and calls `done` once: at its end, or after two seconds. Closing the connection
 * at once would reset it, and a client that is still sending would lose the response (RFC 9112 section 9.6).
 */
export function lingerUntilSent(request: IncomingMessage, timers: Timers, done: () => void): void {
  const finish = (): void => {
    cancel();
    request.removeListener("close", finish).removeListener("end", finish);
    done();
  };
  const cancel = timers.after(MAX_LINGER_MS, finish);
  request.once("end", finish).once("close", finish).resume();
}
