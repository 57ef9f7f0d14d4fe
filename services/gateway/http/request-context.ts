import type { IncomingMessage, ServerResponse } from "node:http";
import type { Client } from "../../../lib/actions/caller.ts";
import type { RouteMetrics } from "../http-metrics.ts";
import type { HttpResponse } from "./response.ts";

/** A request as the steps that handle it see it. */
export interface RequestContext {
  readonly request: IncomingMessage;
  readonly correlationId: string;
  readonly client: Client;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Added to the response, also to an error: names and values in turn. */
  readonly responseHeaders: string[];
  /** Without a trailing slash. */
  path: string;
  /** Without the question mark. */
  query: string;
}

/** What the pipeline keeps of a request until it is answered. */
export interface OpenRequest extends RequestContext {
  readonly response: ServerResponse;
  metrics: RouteMetrics;
  isAnswered: boolean;
}

export type PathParams = Readonly<Record<string, string>>;
export type Handler = (context: RequestContext, pathParams: PathParams) => HttpResponse | Promise<HttpResponse>;
