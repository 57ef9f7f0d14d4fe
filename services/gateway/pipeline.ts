import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline as stream } from "node:stream/promises";
import type { Logger } from "pino";
import { AppError } from "../../lib/actions/errors.ts";
import type { Config } from "../../lib/config/config.ts";
import type { Clock, Random } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";
import { problemResponse, toAppError } from "./api/problem.ts";
import { readClient } from "./http/client-address.ts";
import { correlationIdOf, createCors, createSecurityHeaders } from "./http/headers.ts";
import type { RequestContext } from "./http/request-context.ts";
import type { HttpResponse } from "./http/response.ts";
import { createRouter, type Match } from "./http/router.ts";
import { readTarget } from "./http/target.ts";
import type { HttpMetrics, RouteMetrics } from "./http-metrics.ts";

/** A path and method of the table, ready to serve. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  serve(exchange: RequestContext, pathParams: Readonly<Record<string, string>>): HttpResponse | Promise<HttpResponse>;
}

export interface PipelineDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: HttpMetrics;
  /** While it is true, connections are closed with their answer. */
  isStopping(): boolean;
}

export interface Pipeline {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Answers what has taken longer than a request may; to be called a few times a second. */
  sweep(): void;
  readonly inFlight: number;
}

interface Prepared extends Endpoint {
  readonly metrics: RouteMetrics;
}

export function createPipeline(deps: PipelineDeps, endpoints: readonly Endpoint[]): Pipeline {
  const { clock, random, config } = deps;
  const prepared = endpoints.map((one) => ({ ...one, metrics: deps.metrics.route(one.method, one.path) }));
  const find = createRouter<Prepared>(prepared);
  const unmatched = deps.metrics.route("", "none");
  const cors = createCors(config);
  const send = createSender(deps, createSecurityHeaders(config), cors);
  const open = new Set<RequestContext>();

  const finish = (exchange: RequestContext, answer: HttpResponse): void => {
    if (exchange.isAnswered) return;
    exchange.isAnswered = true;
    open.delete(exchange);
    send(exchange, answer);
  };
  const fail = (exchange: RequestContext, thrown: unknown): void => {
    const error = toAppError(thrown);
    logFailure(deps.log, exchange, error);
    // The rest of a body that nobody will read is not worth waiting for.
    if (error.type === "payload_too_large") exchange.responseHeaders.push("Connection", "close");
    finish(exchange, problemResponse(error, exchange));
  };
  const serve = (exchange: RequestContext): HttpResponse | Promise<HttpResponse> => {
    const { request } = exchange;
    const target = readTarget(request.url ?? "/");
    exchange.path = target.path;
    exchange.query = target.query;
    const match = find(target.path);
    if (!match) throw new AppError("not_found");
    if (request.method === "OPTIONS") return options(exchange, match, cors);
    const endpoint = match.methods.get(request.method ?? "");
    if (!endpoint) {
      exchange.responseHeaders.push("Allow", match.allow);
      throw new AppError("method_not_allowed");
    }
    exchange.metrics = endpoint.metrics;
    return endpoint.serve(exchange, match.params);
  };
  return {
    get inFlight() {
      return open.size;
    },
    handle(request, response) {
      const exchange: RequestContext = {
        request,
        response,
        correlationId: correlationIdOf(request) ?? newId(clock, random),
        client: readClient(request, config.http.trustProxy),
        startedAt: clock.monotonic(),
        responseHeaders: [],
        path: "",
        query: "",
        metrics: unmatched,
        isAnswered: false,
      };
      open.add(exchange);
      try {
        const answer = serve(exchange);
        if (!(answer instanceof Promise)) return finish(exchange, answer);
        answer.then(
          (one) => finish(exchange, one),
          (error: unknown) => fail(exchange, error),
        );
      } catch (error) {
        fail(exchange, error);
      }
    },
    sweep() {
      const oldest = clock.monotonic() - config.http.requestTimeoutMs;
      for (const exchange of open) {
        if (exchange.startedAt > oldest) return;
        fail(exchange, overdue(exchange));
      }
    },
  };
}

/** Whose fault is it: a body that did not come, or an answer of ours? */
function overdue(exchange: RequestContext): AppError {
  exchange.responseHeaders.push("Connection", "close");
  if (!exchange.request.complete) return new AppError("request_timeout");
  return new AppError("service_unavailable", { retry_after: 1 });
}

function options(exchange: RequestContext, match: Match<Prepared>, cors: ReturnType<typeof createCors>): HttpResponse {
  exchange.responseHeaders.push("Allow", match.allow);
  if (exchange.request.headers["access-control-request-method"] !== undefined) {
    exchange.responseHeaders.push(...cors.preflightFor(exchange.request, match.allow));
  } else exchange.responseHeaders.push(...cors.headersFor(exchange.request));
  return { status: 200, contentType: "text/plain; charset=utf-8", body: "" };
}

function createSender(
  deps: PipelineDeps,
  security: ReturnType<typeof createSecurityHeaders>,
  cors: ReturnType<typeof createCors>,
) {
  const usual = security();
  return (exchange: RequestContext, answer: HttpResponse): void => {
    const { request, response, metrics } = exchange;
    const isUsual = answer.contentSecurityPolicy === undefined && answer.cacheControl === undefined;
    const headers = ["Content-Type", answer.contentType];
    if (!answer.chunks) headers.push("Content-Length", String(Buffer.byteLength(answer.body)));
    headers.push(
      "X-Correlation-ID",
      exchange.correlationId,
      ...(isUsual ? usual : security(answer.contentSecurityPolicy, answer.cacheControl)),
    );
    if (answer.headers) headers.push(...answer.headers);
    if (request.method !== "OPTIONS") headers.push(...cors.headersFor(request));
    headers.push(...exchange.responseHeaders);
    if (deps.isStopping()) headers.push("Connection", "close");
    response.writeHead(answer.status, headers);
    if (answer.chunks) void sendParts(deps.log, exchange, answer.chunks);
    else response.end(answer.body);
    metrics.observe(answer.status, deps.clock.monotonic() - exchange.startedAt);
    if (deps.log.isLevelEnabled("debug")) logRequest(deps, exchange, answer.status);
  };
}

/** A client that takes nothing for so long is given up. */
const STALLED_MS = 30_000;

/** What fails now can't be told by a status: the transfer breaks off, and no client takes half a document for a whole one. */
async function sendParts(log: Logger, exchange: RequestContext, parts: AsyncIterable<string>): Promise<void> {
  const { response, path, correlationId } = exchange;
  response.setTimeout(STALLED_MS, () => response.destroy());
  try {
    await stream(Readable.from(parts), response);
  } catch (error) {
    log.warn({ correlation_id: correlationId, path, cause: (error as Error).message }, "response aborted");
  }
}

/** The path alone: a query may hold a mailed token. */
function logRequest(
  { log, clock }: PipelineDeps,
  { request, path, correlationId, startedAt, client }: RequestContext,
  status: number,
): void {
  const milliseconds = Math.round((clock.monotonic() - startedAt) * 10) / 10;
  log.debug(
    { correlation_id: correlationId, method: request.method, path, status, ip: client.ip, milliseconds },
    "request",
  );
}

function logFailure(log: Logger, { request, path, correlationId }: RequestContext, error: AppError): void {
  if (error.status < 500) return;
  const fields = { correlation_id: correlationId, method: request.method, path, code: error.type };
  if (error.type === "internal_error") log.error({ ...fields, err: error.cause }, "request failed");
  else
    log.warn(
      { ...fields, cause: error.cause instanceof Error ? error.cause.message : undefined },
      "request not served",
    );
}
