import type { IncomingMessage } from "node:http";
import type { Caller } from "../../../lib/actions/caller.ts";
import type { PreparedRoute } from "../api/prepare-route.ts";
import type { Authentication } from "../auth/authenticate.ts";
import type { JsonObject } from "../http/json-body.ts";
import type { PathParams, PendingRequest } from "../http/request-context.ts";

/** A request and its response, with what routing and the hooks have found out about the request so far. */
export interface Exchange extends PendingRequest {
  /** Unique among the requests to this process. `exchanges.ts` keeps the open exchanges under it. */
  readonly number: number;
  pathParams: PathParams;
  /** Null until a route is found, and for a page. */
  prepared: PreparedRoute | null;
  auth: Authentication | null;
  /** Null until all checks have passed. */
  admitted: Admitted | null;
}

/** What the action of a request is called with. */
export interface Admitted {
  readonly caller: Caller;
  readonly body: JsonObject;
  readonly params: JsonObject;
  readonly idempotencyKey: string | null;
}

/** A request as moleculer-web passes it to hooks. Ours find in `$exchange` whatever else they need. */
export interface GatewayRequest extends IncomingMessage {
  $exchange: Exchange;
}
