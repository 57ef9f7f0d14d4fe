import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../../../lib/actions/caller.ts";
import type { PreparedRoute } from "../api/prepare-route.ts";
import type { Authentication } from "../auth/authenticate.ts";
import type { JsonObject } from "../http/json-body.ts";
import type { PathParams, PendingRequest } from "../http/request-context.ts";

/** A request to a route that calls an action, with what the hooks have found out about it so far. */
export interface Exchange extends PendingRequest {
  pathParams: PathParams;
  route: PreparedRoute | null;
  auth: Authentication | null;
  /** Set once the request may be carried out. */
  admitted: Admitted | null;
}

export interface Admitted {
  readonly caller: Caller;
  readonly body: JsonObject;
  readonly params: JsonObject;
  readonly idempotencyKey: string | null;
}

/** moleculer-web passes requests to its hooks; the hooks find the rest of what they need here. */
export interface GatewayRequest extends IncomingMessage {
  $exchange: Exchange;
}

export interface GatewayResponse extends ServerResponse {
  locals?: object;
}
