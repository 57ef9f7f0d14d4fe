import type { IncomingMessage, ServerResponse } from "node:http";
import type { Client } from "../../../lib/actions/caller.ts";
import type { RouteMetrics } from "../http-metrics.ts";
import type { HttpResponse } from "./response.ts";

/** What the handlers of a request know about it. */
export interface RequestContext {
  readonly request: IncomingMessage;
  readonly correlationId: string;
  readonly client: Client;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Added to the response, even if it is an error: alternating names and values. */
  readonly responseHeaders: string[];
  /** Without a trailing slash. */
  path: string;
  /** Without the question mark. */
  query: string;
}

/** A request that may not have been answered yet. */
export interface PendingRequest extends RequestContext {
  readonly response: ServerResponse;
  metrics: RouteMetrics;
  isAnswered: boolean;
}

export type PathParams = Readonly<Record<string, string>>;
export type Handler = (context: RequestContext, pathParams: PathParams) => HttpResponse | Promise<HttpResponse>;
