import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { AppError, isError } from "../../../lib/actions/errors.ts";
import type { Timers } from "../../../lib/runtime/clock.ts";
import type { Authentication } from "../auth/authenticate.ts";
import type { HttpResponse } from "../http/response.ts";

/** An entry of the revocation log, as the lease delivers it. */
interface Change {
  readonly kind: string;
  readonly key: string;
}

interface EventStream {
  /** Throws if the token has expired or been revoked. */
  recheck(): void;
  readonly readable: Readable;
  /** The entries of the revocation log that concern its token, as `kind:key`. */
  readonly keys: readonly string[];
  hasEnded: boolean;
}

const HEARTBEAT_MS = 15_000;
const MAX_STREAMS = 10_000;
const MAX_STREAMS_PER_USER = 10;
/** Heartbeats of more than an hour: a client that has not read them is gone. */
const MAX_BUFFERED_BYTES = 4_096;
/** Otherwise nginx would hold events back in its buffer. */
const DISABLE_PROXY_BUFFER = ["X-Accel-Buffering", "no"];
const OPENED = "retry: 2000\n\n";
const HEARTBEAT = ": heartbeat\n\n";

/**
 * Streams that tell a page that its access token is no longer valid: `session_ended` or `token_stale` (permissions have
 * changed: refresh the token) as soon as this node knows, `token_expired` with the next heartbeat. The stream ends after
 * its event.
 */
export function createSessionEvents(timers: Timers) {
  const streams = new Set<EventStream>();
  const byKey = new Map<string, Set<EventStream>>();
  let cancelHeartbeat = (): void => undefined;
  let isStopped = false;

  const remove = (stream: EventStream): void => {
    streams.delete(stream);
    for (const key of stream.keys) {
      const group = byKey.get(key);
      group?.delete(stream);
      if (group?.size === 0) byKey.delete(key);
    }
  };
  const add = (stream: EventStream): void => {
    streams.add(stream);
    for (const key of stream.keys) byKey.set(key, (byKey.get(key) ?? new Set()).add(stream));
    stream.readable.once("close", () => remove(stream));
  };
  const sendHeartbeats = (): void => {
    for (const stream of streams) {
      endIfInvalid(stream);
      if (stream.hasEnded) continue;
      stream.readable.push(HEARTBEAT);
      if (stream.readable.readableLength > MAX_BUFFERED_BYTES) stream.readable.destroy();
    }
    cancelHeartbeat = timers.after(HEARTBEAT_MS, sendHeartbeats);
  };
  return {
    get size(): number {
      return streams.size;
    },
    start(): void {
      cancelHeartbeat = timers.after(HEARTBEAT_MS, sendHeartbeats);
    },
    /** Throws 429 for too many streams of one user, and 503 `overloaded` if this node has too many or stops. */
    open({ method }: Pick<IncomingMessage, "method">, { caller, recheck }: Authentication): HttpResponse {
      const withoutStream = { status: 200, contentType: "text/event-stream", headers: DISABLE_PROXY_BUFFER, body: "" };
      // The route admits only users; the check tells the compiler.
      if (method === "HEAD" || caller.kind !== "user") return withoutStream;
      const keys = [`session:${caller.session_id}`, `user:${caller.user_id}`, `tenant:${caller.home_tenant_id}`];
      if (isStopped || streams.size >= MAX_STREAMS) throw new AppError("overloaded", { retry_after: 5 });
      if ((byKey.get(`user:${caller.user_id}`)?.size ?? 0) >= MAX_STREAMS_PER_USER)
        throw new AppError("rate_limited", { message: "Too many open event streams.", retry_after: 5 });
      recheck();
      const readable = new Readable({ read: () => undefined });
      readable.push(OPENED);
      add({ recheck, readable, keys, hasEnded: false });
      return { ...withoutStream, chunks: readable };
    },
    /** To be called after the entries are applied to what `recheck` reads. */
    apply(changes: readonly Change[]): void {
      const concerned = changes.flatMap(({ kind, key }) => [...(byKey.get(`${kind}:${key}`) ?? [])]);
      for (const stream of concerned) endIfInvalid(stream);
    },
    /** Ends all streams. Browsers reconnect to another node. */
    stop(): void {
      isStopped = true;
      cancelHeartbeat();
      for (const stream of streams) end(stream);
    },
  };
}

function endIfInvalid(stream: EventStream): void {
  try {
    stream.recheck();
  } catch (error) {
    // Any other error means that this node cannot tell, because it has no lease. The next heartbeat checks again.
    if (!isError(error, "session_ended", "token_stale", "token_expired")) return;
    const data = JSON.stringify({ code: error.type, detail: error.message });
    end(stream, `event: ${error.type}\ndata: ${data}\n\n`);
  }
}

function end(stream: EventStream, lastEvent?: string): void {
  if (stream.hasEnded) return;
  stream.hasEnded = true;
  if (lastEvent !== undefined) stream.readable.push(lastEvent);
  stream.readable.push(null);
}
