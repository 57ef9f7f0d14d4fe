import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Logger } from "pino";
import type { Config } from "../../../lib/config/config.ts";
import type { Clock, Timers } from "../../../lib/runtime/clock.ts";
import { type Cors, createSecurityHeaders } from "./headers.ts";
import { isStillSending, lingerUntilSent } from "./linger.ts";
import type { PendingRequest } from "./request-context.ts";
import type { Chunks, HttpResponse } from "./response.ts";

export interface SenderDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timers: Timers;
  /** While true, each connection is closed after its response. */
  isStopping(): boolean;
}

interface Ready {
  readonly response: ServerResponse;
  readonly body: string | Uint8Array;
}

const STALLED_CLIENT_TIMEOUT_MS = 30_000;

/** Sends a response with the headers that all responses have, and records it in the metrics. */
export function createResponseSender(deps: SenderDeps, cors: Cors) {
  const buildHeaders = createHeaderBuilder(deps, cors);
  const end = createBatchedEnd(deps.log);
  return (pending: PendingRequest, message: HttpResponse): void => {
    const { request, response } = pending;
    const { status, body, chunks } = message;
    response.writeHead(status, buildHeaders(pending, message));
    if (chunks && request.method !== "HEAD") void sendChunks(deps.log, pending, chunks);
    else if (isStillSending(request)) endAfterRequestBody(deps, pending, body);
    else end(response, body);
    pending.metrics.observe(status, deps.clock.monotonic() - pending.startedAt, pending.correlationId);
  };
}

/**
 * Collects the responses that become ready in the same turn of the event loop, and writes them one directly after the other
 * at the end of the turn. Writing a response wakes the client or proxy that waits for it. If that process has gone to sleep
 * since the last response, waking it costs this thread up to 50 µs; between responses written together, it has no time to
 * go to sleep.
 */
function createBatchedEnd(log: Logger) {
  let ready: Ready[] = [];
  const flush = (): void => {
    const batch = ready;
    ready = [];
    for (const one of batch) writeReady(log, one);
  };
  return (response: ServerResponse, body: string | Uint8Array): void => {
    if (ready.push({ response, body }) === 1) setImmediate(flush);
  };
}

/** A failure must not affect the other responses of the batch. */
function writeReady(log: Logger, { response, body }: Ready): void {
  try {
    response.end(body);
  } catch (error) {
    log.error({ err: error }, "sending failed");
    response.destroy();
  }
}

/** All headers of a response, as `writeHead` takes them: names and values in turn. */
function createHeaderBuilder(deps: SenderDeps, cors: Cors) {
  const securityHeaders = createSecurityHeaders(deps.config.http);
  return (pending: PendingRequest, message: HttpResponse): string[] => {
    const { contentType, body, chunks, headers, contentSecurityPolicy, cacheControl } = message;
    const all = ["Content-Type", contentType];
    // In a 304 it would be the length of a body that is not sent (RFC 9110 section 8.6).
    if (!chunks && message.status !== 304) all.push("Content-Length", String(Buffer.byteLength(body)));
    all.push("X-Correlation-ID", pending.correlationId, ...securityHeaders(contentSecurityPolicy, cacheControl));
    if (headers) all.push(...headers);
    if (!headers?.includes("Cross-Origin-Resource-Policy")) all.push("Cross-Origin-Resource-Policy", "same-origin");
    // Only for documents (ASVS V3.4.8): on the redirect of a sign-in it would cut a client's popup off from its opener.
    if (contentType.startsWith("text/html")) all.push("Cross-Origin-Opener-Policy", "same-origin");
    // The response to OPTIONS brings its own CORS headers.
    if (pending.request.method !== "OPTIONS") all.push(...cors.headersFor(pending.request));
    all.push(...pending.responseHeaders);
    if (deps.isStopping()) all.push("Connection", "close");
    return all;
  };
}

/** Sends the whole response at once, but ends it only after the request's body: see http/linger.ts. */
function endAfterRequestBody(
  { timers }: SenderDeps,
  { request, response }: PendingRequest,
  responseBody: string | Uint8Array,
): void {
  response.write(responseBody);
  lingerUntilSent(request, timers, () => {
    response.end();
    if (!request.complete) response.once("finish", () => request.socket.destroySoon());
  });
}

/** A failure can only abort the transfer, because the headers have been sent. The client notices that it is incomplete. */
async function sendChunks(log: Logger, pending: PendingRequest, chunks: Chunks): Promise<void> {
  const { response, path, correlationId } = pending;
  response.setTimeout(STALLED_CLIENT_TIMEOUT_MS, () => response.socket?.resetAndDestroy());
  try {
    await pipeline(chunks instanceof Readable ? chunks : resetOnFailure(response, chunks), response);
  } catch (error) {
    const { code, message: cause } = error as NodeJS.ErrnoException;
    // A client that has closed its connection, such as a closed tab with an event stream, is nobody's fault.
    const level = code === "ERR_STREAM_PREMATURE_CLOSE" ? "debug" : "warn";
    log[level]({ correlation_id: correlationId, path, cause }, "response aborted");
  }
}

/**
 * A body of HTTP/1.0, which proxies such as nginx speak to us, ends when the connection closes: after an orderly end they
 * would take half a document for the whole one. A reset is an error in every version.
 */
async function* resetOnFailure(response: ServerResponse, chunks: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* chunks;
  } catch (error) {
    response.socket?.resetAndDestroy();
    throw error;
  }
}
