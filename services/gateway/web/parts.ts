import type { Cors } from "../http/headers.ts";
import type { HttpResponse } from "../http/response.ts";
import type { Route } from "../routes.types.ts";
import type { Exchange } from "./exchange.ts";
import type { Exchanges } from "./exchanges.ts";
import type { Hooks } from "./hooks.ts";
import type { FindPath } from "./routing.ts";

/** What the mixin in web.mixin.ts needs from the running gateway. */
export interface WebParts {
  readonly exchanges: Exchanges;
  readonly hooks: Hooks;
  readonly cors: Cors;
  readonly findPath: FindPath;
  /** Path of PUBLIC_URL: "" or "/auth". */
  readonly base: string;
  /** Runs the serving of a request in a span; undefined without tracing. */
  readonly trace: ((exchange: Exchange, serve: () => Promise<void>) => Promise<void>) | undefined;
  /** Rejects with 429 if the address has requested too many pages and paths that do not exist. */
  limitPage(exchange: Exchange): Promise<void> | undefined;
  /** Calls the action of a request that has passed all checks. */
  call(exchange: Exchange): Promise<HttpResponse>;
  /** Serves a row of the table that calls no action. */
  serve(route: Route, exchange: Exchange): HttpResponse | Promise<HttpResponse>;
}
