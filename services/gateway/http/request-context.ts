import type { IncomingMessage, ServerResponse } from "node:http";
import type { Client } from "../../../lib/actions/caller.ts";
import type { RouteMetrics } from "../http-metrics.ts";

/** One request and the answer that it will get. */
export interface RequestContext {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly correlationId: string;
  readonly client: Client;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Headers for whatever answer comes, names and values in turn. */
  readonly responseHeaders: string[];
  path: string;
  query: string;
  metrics: RouteMetrics;
  isAnswered: boolean;
}
