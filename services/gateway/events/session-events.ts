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

interface Stream {
  /** Throws if the token has expired or been revoked. */
  recheck(): void;
  readonly readable: Readable;
  readonly keys: readonly string[];
  hasEnded: boolean;
}

const HEARTBEAT_MS = 15_000;
const MAX_STREAMS = 10_000;
const MAX_STREAMS_PER_USER = 10;
/** A client that does not read its heartbeats is not there any more. */
const MAX_BUFFERED_BYTES = 4_096;
/** nginx would otherwise hold events back. */
const UNBUFFERED = ["X-Accel-Buffering", "no"];
const OPENED = "retry: 2000\n\n";
const HEARTBEAT = ": heartbeat\n\n";

/**
 * Streams that tell a page that its access token is no longer valid, as soon as this node knows: `session_ended`,
 * `token_stale` (permissions have changed: refresh the token) or `token_expired`. The stream ends after its event.
 */
export function createSessionEvents(timers: Timers) {
  const streams = new Set<Stream>();
  const byKey = new Map<string, Set<Stream>>();
  let cancelHeartbeat = (): void => undefined;

  const remove = (stream: Stream): void => {
    streams.delete(stream);
    for (const key of stream.keys) {
      const group = byKey.get(key);
      group?.delete(stream);
      if (group?.size === 0) byKey.delete(key);
    }
  };
  const add = (stream: Stream): void => {
    streams.add(stream);
    for (const key of stream.keys) byKey.set(key, (byKey.get(key) ?? new Set()).add(stream));
    stream.readable.once("close", () => remove(stream));
  };
  const beat = (): void => {
    for (const stream of streams) {
      endIfRevoked(stream);
      if (stream.hasEnded) continue;
      stream.readable.push(HEARTBEAT);
      if (stream.readable.readableLength > MAX_BUFFERED_BYTES) stream.readable.destroy();
    }
    cancelHeartbeat = timers.after(HEARTBEAT_MS, beat);
  };
  return {
    get size(): number {
      return streams.size;
    },
    start(): void {
      cancelHeartbeat = timers.after(HEARTBEAT_MS, beat);
    },
    /** Throws 429 for too many streams of one user, and 503 `overloaded` if this node has too many. */
    open({ method }: Pick<IncomingMessage, "method">, { caller, recheck }: Authentication): HttpResponse {
      const head = { status: 200, contentType: "text/event-stream", headers: UNBUFFERED, body: "" };
      if (method === "HEAD" || caller.kind !== "user") return head;
      const keys = [`session:${caller.session_id}`, `user:${caller.user_id}`, `tenant:${caller.home_tenant_id}`];
      if (streams.size >= MAX_STREAMS) throw new AppError("overloaded", { retry_after: 5 });
      if ((byKey.get(`user:${caller.user_id}`)?.size ?? 0) >= MAX_STREAMS_PER_USER)
        throw new AppError("rate_limited", { message: "Too many open event streams.", retry_after: 5 });
      recheck();
      const readable = new Readable({ read: () => undefined });
      readable.push(OPENED);
      add({ recheck, readable, keys, hasEnded: false });
      return { ...head, chunks: readable };
    },
    /** To be called after the entries are applied to what `recheck` reads. */
    apply(changes: readonly Change[]): void {
      for (const { kind, key } of changes) for (const stream of byKey.get(`${kind}:${key}`) ?? []) endIfRevoked(stream);
    },
    /** Ends all streams; browsers reconnect, to another node. */
    stop(): void {
      cancelHeartbeat();
      for (const stream of streams) end(stream);
    },
  };
}

function endIfRevoked(stream: Stream): void {
  try {
    stream.recheck();
  } catch (error) {
    // Without a lease this node cannot tell; the next heartbeat asks again.
    if (!isError(error, "session_ended", "token_stale", "token_expired")) return;
    const data = JSON.stringify({ code: error.type, detail: error.message });
    end(stream, `event: ${error.type}\ndata: ${data}\n\n`);
  }
}

function end(stream: Stream, last?: string): void {
  if (stream.hasEnded) return;
  stream.hasEnded = true;
  if (last !== undefined) stream.readable.push(last);
  stream.readable.push(null);
}
