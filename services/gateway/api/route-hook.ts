import type { IncomingMessage } from "node:http";
import type { Caller } from "../../../lib/actions/caller.ts";
import type { JsonObject } from "../http/json-body.ts";
import type { RequestContext } from "../http/request-context.ts";

/** Changes what a route's action receives and returns: cookies that carry fields, and names of another API. */
export interface RouteHook {
  /** Changes the body before it is validated. */
  body?(body: JsonObject, context: RequestContext, caller: Caller): JsonObject;
  /** Parameters that do not come from the client's fields, and replace none of them. */
  params?(request: IncomingMessage): JsonObject;
  /** Changes the result before the response is made from it, and may add response headers. */
  result?(result: unknown, context: RequestContext, params: JsonObject): unknown;
}
