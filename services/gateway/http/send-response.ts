import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Logger } from "pino";
import type { Config } from "../../../lib/config/config.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import { type Cors, createSecurityHeaders } from "./headers.ts";
import type { PendingRequest } from "./request-context.ts";
import type { HttpResponse } from "./response.ts";

export interface SenderDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  /** While true, each connection is closed after its response. */
  isStopping(): boolean;
}

const STALLED_CLIENT_TIMEOUT_MS = 30_000;

/** Sends a response with the headers that all have, and records it in the metrics and the log. */
export function createResponseSender(deps: SenderDeps, cors: Cors) {
  const securityHeaders = createSecurityHeaders(deps.config.http);
  return (pending: PendingRequest, message: HttpResponse): void => {
    const { request, response } = pending;
    const { status, contentType, body, chunks, headers, contentSecurityPolicy, cacheControl } = message;
    const lines = ["Content-Type", contentType];
    if (!chunks) lines.push("Content-Length", String(Buffer.byteLength(body)));
    lines.push("X-Correlation-ID", pending.correlationId, ...securityHeaders(contentSecurityPolicy, cacheControl));
    if (headers) lines.push(...headers);
    if (request.method !== "OPTIONS") lines.push(...cors.headersFor(request));
    lines.push(...pending.responseHeaders);
    if (deps.isStopping()) lines.push("Connection", "close");
    response.writeHead(status, lines);
    if (chunks) void sendChunks(deps.log, pending, chunks);
    else response.end(body);
    pending.metrics.observe(status, deps.clock.monotonic() - pending.startedAt);
    if (deps.log.isLevelEnabled("debug")) logRequest(deps, pending, status);
  };
}

/** After the headers are sent, a failure can only abort the transfer, which the client notices. */
async function sendChunks(log: Logger, pending: PendingRequest, chunks: AsyncIterable<string>): Promise<void> {
  const { response, path, correlationId } = pending;
  response.setTimeout(STALLED_CLIENT_TIMEOUT_MS, () => response.destroy());
  try {
    await pipeline(Readable.from(chunks), response);
  } catch (error) {
    log.warn({ correlation_id: correlationId, path, cause: (error as Error).message }, "response aborted");
  }
}

/** Logs the path alone: the query may contain a mailed token. */
function logRequest({ log, clock }: SenderDeps, pending: PendingRequest, status: number): void {
  const { request, path, correlationId, startedAt, client } = pending;
  const milliseconds = Math.round((clock.monotonic() - startedAt) * 10) / 10;
  const { method } = request;
  log.debug({ correlation_id: correlationId, method, path, status, ip: client.ip, milliseconds }, "request");
}
