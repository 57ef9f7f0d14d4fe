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

const STALLED_CLIENT_TIMEOUT_MS = 30_000;

/** Sends a response with the headers that all responses have, and records it in the metrics and the log. */
export function createResponseSender(deps: SenderDeps, cors: Cors) {
  const buildHeaders = createHeaderBuilder(deps, cors);
  return (pending: PendingRequest, message: HttpResponse): void => {
    const { request, response } = pending;
    const { status, body, chunks } = message;
    response.writeHead(status, buildHeaders(pending, message));
    if (chunks && request.method !== "HEAD") void sendChunks(deps.log, pending, chunks);
    else if (isStillSending(request)) endAfterRequestBody(deps, pending, body);
    else response.end(body);
    pending.metrics.observe(status, deps.clock.monotonic() - pending.startedAt);
    if (deps.log.isLevelEnabled("debug")) logRequest(deps, pending, status);
  };
}

/** All headers of a response, as `writeHead` takes them: names and values in turn. */
function createHeaderBuilder(deps: SenderDeps, cors: Cors) {
  const securityHeaders = createSecurityHeaders(deps.config.http);
  return (pending: PendingRequest, message: HttpResponse): string[] => {
    const { contentType, body, chunks, headers, contentSecurityPolicy, cacheControl } = message;
    const all = ["Content-Type", contentType];
    if (!chunks) all.push("Content-Length", String(Buffer.byteLength(body)));
    all.push("X-Correlation-ID", pending.correlationId, ...securityHeaders(contentSecurityPolicy, cacheControl));
    if (headers) all.push(...headers);
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
  response.setTimeout(STALLED_CLIENT_TIMEOUT_MS, () => response.destroy());
  try {
    await pipeline(chunks, response);
  } catch (error) {
    const { code, message: cause } = error as NodeJS.ErrnoException;
    // A client that has closed its connection, such as a closed tab with an event stream, is nobody's fault.
    const level = code === "ERR_STREAM_PREMATURE_CLOSE" ? "debug" : "warn";
    log[level]({ correlation_id: correlationId, path, cause }, "response aborted");
  }
}

/** Logs the path alone: the query may contain a mailed token. */
function logRequest({ log, clock }: SenderDeps, pending: PendingRequest, status: number): void {
  const { request, path, correlationId, startedAt, client } = pending;
  const milliseconds = Math.round((clock.monotonic() - startedAt) * 10) / 10;
  const { method } = request;
  log.debug({ correlation_id: correlationId, method, path, status, ip: client.ip, milliseconds }, "request");
}
