import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { AppError } from "../../../lib/actions/errors.ts";
import type { Random } from "../../../lib/runtime/clock.ts";
import { createFailureLog, type FailureLog } from "../../../lib/runtime/failure-log.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { ShortLivedMap } from "../../../lib/runtime/short-lived-map.ts";
import { problemResponse, toAppError } from "../api/problem.ts";
import { prefersHtml } from "../http/accept.ts";
import { readClient } from "../http/client-address.ts";
import { type Cors, readCorrelationId } from "../http/headers.ts";
import type { HttpResponse } from "../http/response.ts";
import { createResponseSender, type SenderDeps } from "../http/send-response.ts";
import type { RouteMetrics } from "../http-metrics.ts";
import type { ErrorPage } from "../pages/app/error-page.ts";
import type { Exchange } from "./exchange.ts";
import { createRequestLog } from "./request-log.ts";

export interface ExchangesDeps extends SenderDeps {
  readonly random: Random;
  readonly cors: Cors;
  /** Failures as a browser shows them. */
  readonly errorPage: ErrorPage;
  /** Counts requests that match no route. */
  readonly unmatched: RouteMetrics;
}

export type Exchanges = ReturnType<typeof createExchanges>;

/** The requests that are being served. Each gets exactly one response, even if its route throws or never returns. */
export function createExchanges(deps: ExchangesDeps) {
  const sendResponse = createResponseSender(deps, deps.cors);
  const logRequest = createRequestLog(deps);
  const failures = createFailureLog(deps.log, deps.clock);
  const open = new ShortLivedMap<number, Exchange>();
  let begun = 0;
  const answer = (exchange: Exchange, response: HttpResponse): void => {
    if (exchange.isAnswered) return;
    exchange.isAnswered = true;
    open.delete(exchange.number);
    try {
      sendResponse(exchange, response);
      logRequest(exchange, response.status);
    } catch (error) {
      // Half a response may have been written. The client notices that the rest is missing.
      deps.log.error({ correlation_id: exchange.correlationId, path: exchange.path, err: error }, "sending failed");
      exchange.response.destroy();
    }
  };
  const fail = (exchange: Exchange, thrown: unknown): void => {
    if (exchange.isAnswered) return;
    const error = toAppError(thrown);
    logFailure(deps.log, failures, exchange, error);
    const problem = problemResponse(error, exchange);
    if (isPageRequest(exchange)) void answerWithPage(exchange, error, problem);
    else answer(exchange, problem);
  };
  /** If the page cannot be rendered, the problem document has to do. */
  const answerWithPage = async (exchange: Exchange, error: AppError, problem: HttpResponse): Promise<void> => {
    const page = await deps.errorPage(error, exchange).catch(() => null);
    if (page === null) return answer(exchange, problem);
    answer(exchange, { ...problem, ...page, headers: [...(problem.headers ?? []), ...(page.headers ?? [])] });
  };
  return {
    get inFlight(): number {
      return open.size;
    },
    begin(request: IncomingMessage, response: ServerResponse): Exchange {
      begun += 1;
      const exchange = createExchange(deps, begun, request, response);
      open.set(begun, exchange);
      return exchange;
    },
    answer,
    fail,
    /** Answers the requests that have exceeded REQUEST_TIMEOUT_MS; to be called a few times a second. */
    answerOverdue(): void {
      const deadline = deps.clock.monotonic() - deps.config.http.requestTimeoutMs;
      // The oldest request comes first, so the loop can stop at the first one that still has time.
      for (const exchange of open.values()) {
        if (exchange.startedAt > deadline) return;
        exchange.responseHeaders.push("Connection", "close");
        fail(exchange, timeoutError(exchange));
      }
    },
  };
}

/** A browser that opens an address, or follows a link to one. */
function isPageRequest({ request }: Exchange): boolean {
  return (request.method === "GET" || request.method === "HEAD") && prefersHtml(request);
}

function createExchange(
  { config, clock, random, unmatched }: ExchangesDeps,
  number: number,
  request: IncomingMessage,
  response: ServerResponse,
): Exchange {
  return {
    number,
    request,
    response,
    correlationId: readCorrelationId(request) ?? newId(clock, random),
    client: readClient(request, config.http.trustProxy),
    startedAt: clock.monotonic(),
    responseHeaders: [],
    path: "",
    query: "",
    metrics: unmatched,
    isAnswered: false,
    pathParams: {},
    prepared: null,
    auth: null,
    admitted: null,
  };
}

/** 408 while the client is still sending the body, 503 once the delay is on our side. */
function timeoutError({ request }: Exchange): AppError {
  return request.complete ? new AppError("service_unavailable", { retry_after: 1 }) : new AppError("request_timeout");
}

/** While a dependency is down, every request fails for the same reason: the reason is logged once a minute, with their number. */
function logFailure(log: Logger, failures: FailureLog, exchange: Exchange, error: AppError): void {
  if (error.status < 500) return;
  const { request, path, correlationId, metrics } = exchange;
  const fields = { correlation_id: correlationId, method: request.method, path, code: error.type };
  const { cause } = error;
  if (error.type === "internal_error") {
    log.error({ ...fields, err: cause }, "request failed");
    return;
  }
  const reason = cause instanceof Error ? cause.message : undefined;
  failures.warn(`${metrics.route} ${error.type} ${reason}`, { ...fields, cause: reason }, "request not served");
}
