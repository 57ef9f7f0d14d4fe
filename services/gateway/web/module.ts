import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context, Service, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import type { HttpResponse } from "../http/response.ts";
import type { Alias } from "./alias-index.ts";
import type { GatewayRequest } from "./exchange.ts";
import type { Target } from "./routing.ts";

// moleculer-web's own types describe its settings. These describe the methods that we override or call.

/** A service with moleculer-web mixed in. */
export interface WebService extends Service {
  aliases: readonly Alias[];
  httpHandler(request: IncomingMessage, response: ServerResponse): void;
  resolveAlias(path: string, method: string): ResolvedAlias | false;
  routeHandler(
    ctx: WebContext,
    route: WebRoute,
    request: RoutedRequest,
    response: ServerResponse,
    found: ResolvedAlias,
  ): Promise<unknown>;
  aliasHandler(request: RoutedRequest, response: ServerResponse, alias: Alias): Promise<unknown>;
  callAction(route: WebRoute, action: string, request: RoutedRequest, response: ServerResponse): Promise<void>;
  sendResponse(request: GatewayRequest, response: ServerResponse, data: HttpResponse): void;
  sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void;
  errorHandler(request: IncomingMessage, response: ServerResponse, error: unknown): void;
}

/** moleculer-web's context of a request. Hooks may store the user in its meta. */
type WebContext = Context<unknown, { user?: unknown }>;

/** The alias that serves a request. `target` is ours, the rest is what moleculer-web's method returns. */
export interface ResolvedAlias {
  readonly alias: Alias;
  readonly params: Readonly<Record<string, string>>;
  readonly target: Target;
}

export type Hook = (
  this: WebService,
  ctx: WebContext,
  route: WebRoute,
  request: GatewayRequest,
  response: ServerResponse,
  alias: Alias,
) => unknown;

/** A route in the sense of moleculer-web: a group of aliases with the same hooks. */
export interface WebRoute {
  readonly name?: string;
  readonly onBeforeCall?: Hook;
  readonly authentication?: Hook;
  readonly authorization?: Hook;
}

/** A request with what moleculer-web leaves on it for its hooks. */
export interface RoutedRequest extends GatewayRequest {
  $ctx: WebContext;
  $route: WebRoute;
  $alias: Alias;
  $params: { readonly params: object };
}

type ParseDeclaration = (this: WebService, ...args: unknown[]) => object;

/** moleculer-web's service schema. It is mixed in, and some overrides call the method that they replace. */
export const webModule = ApiGateway as unknown as Partial<ServiceSchema> & {
  readonly methods: {
    readonly aliasHandler: WebService["aliasHandler"];
    readonly parseActionRestString: ParseDeclaration;
    readonly parseActionRestObject: ParseDeclaration;
    regenerateAutoAliases(this: WebService, route: WebRoute): void;
  };
  readonly actions: {
    readonly listAliases: {
      handler(this: WebService, ctx: { readonly params: object }): Array<Record<string, unknown>>;
    };
  };
};
