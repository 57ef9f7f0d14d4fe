import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { AppError } from "../../lib/actions/errors.ts";
import type { Random } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";
import { problemResponse, toAppError } from "./api/problem.ts";
import { readClient } from "./http/client-address.ts";
import { type Cors, createCors, readCorrelationId } from "./http/headers.ts";
import type { Handler, PendingRequest } from "./http/request-context.ts";
import { type HttpResponse, TEXT_TYPE } from "./http/response.ts";
import { createRouter, type Match } from "./http/router.ts";
import { createResponseSender, type SenderDeps } from "./http/send-response.ts";
import { readTarget } from "./http/target.ts";
import type { HttpMetrics, RouteMetrics } from "./http-metrics.ts";

export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly handle: Handler;
}

export interface PipelineDeps extends SenderDeps {
  readonly random: Random;
  readonly metrics: HttpMetrics;
}

/** Routes each request to its endpoint and sends exactly one response, even if the endpoint throws or never returns. */
export function createPipeline(deps: PipelineDeps, endpoints: readonly Endpoint[]) {
  const cors = createCors(deps.config.http);
  const sendResponse = createResponseSender(deps, cors);
  const dispatch = createDispatcher(deps.metrics, cors, endpoints);
  const unmatched = deps.metrics.route("", "none");
  const requests = new Set<PendingRequest>();

  const finish = (pending: PendingRequest, response: HttpResponse): void => {
    if (pending.isAnswered) return;
    pending.isAnswered = true;
    requests.delete(pending);
    sendResponse(pending, response);
  };
  const fail = (pending: PendingRequest, thrown: unknown): void => {
    const error = toAppError(thrown);
    logFailure(deps.log, pending, error);
    // Closing the connection is cheaper than reading the rest of a body that is too large.
    if (error.type === "payload_too_large") pending.responseHeaders.push("Connection", "close");
    finish(pending, problemResponse(error, pending));
  };
  return {
    get inFlight(): number {
      return requests.size;
    },
    handle(request: IncomingMessage, response: ServerResponse): void {
      const pending = createPendingRequest(deps, request, response, unmatched);
      requests.add(pending);
      try {
        const result = dispatch(pending);
        if (!(result instanceof Promise)) return void finish(pending, result);
        result.then(
          (one) => finish(pending, one),
          (error: unknown) => fail(pending, error),
        );
      } catch (error) {
        fail(pending, error);
      }
    },
    /** Answers the requests that have exceeded REQUEST_TIMEOUT_MS; to be called a few times a second. */
    answerOverdue(): void {
      const oldest = deps.clock.monotonic() - deps.config.http.requestTimeoutMs;
      for (const pending of requests) {
        if (pending.startedAt > oldest) return;
        pending.responseHeaders.push("Connection", "close");
        fail(pending, timeoutError(pending));
      }
    },
  };
}

function createPendingRequest(
  { config, clock, random }: PipelineDeps,
  request: IncomingMessage,
  response: ServerResponse,
  metrics: RouteMetrics,
): PendingRequest {
  return {
    request,
    response,
    correlationId: readCorrelationId(request) ?? newId(clock, random),
    client: readClient(request, config.http.trustProxy),
    startedAt: clock.monotonic(),
    responseHeaders: [],
    path: "",
    query: "",
    metrics,
    isAnswered: false,
  };
}

/** Finds the endpoint of a request: 404 for an unknown path, 405 for a method that the path does not have. */
function createDispatcher(metrics: HttpMetrics, cors: Cors, endpoints: readonly Endpoint[]) {
  const measured = endpoints.map((one) => ({ ...one, metrics: metrics.route(one.method, one.path) }));
  const findPath = createRouter(measured);
  return (pending: PendingRequest): HttpResponse | Promise<HttpResponse> => {
    const { request, responseHeaders } = pending;
    Object.assign(pending, readTarget(request.url ?? "/"));
    const match = findPath(pending.path);
    if (!match) throw new AppError("not_found");
    if (request.method === "OPTIONS") return optionsResponse(request, match, cors);
    const endpoint = match.methods.get(request.method ?? "");
    if (!endpoint) {
      responseHeaders.push("Allow", match.allow);
      throw new AppError("method_not_allowed");
    }
    pending.metrics = endpoint.metrics;
    return endpoint.handle(pending, match.params);
  };
}

function optionsResponse(request: IncomingMessage, { allow }: Match<Endpoint>, cors: Cors): HttpResponse {
  const isPreflight = request.headers["access-control-request-method"] !== undefined;
  const corsHeaders = isPreflight ? cors.preflightFor(request, allow) : cors.headersFor(request);
  return { status: 200, contentType: TEXT_TYPE, body: "", headers: ["Allow", allow, ...corsHeaders] };
}

/** 408 while the client is still sending the body, 503 once the delay is on our side. */
function timeoutError({ request }: PendingRequest): AppError {
  return request.complete ? new AppError("service_unavailable", { retry_after: 1 }) : new AppError("request_timeout");
}

function logFailure(log: Logger, { request, path, correlationId }: PendingRequest, error: AppError): void {
  if (error.status < 500) return;
  const fields = { correlation_id: correlationId, method: request.method, path, code: error.type };
  const { cause } = error;
  if (error.type === "internal_error") log.error({ ...fields, err: cause }, "request failed");
  else log.warn({ ...fields, cause: cause instanceof Error ? cause.message : undefined }, "request not served");
}
