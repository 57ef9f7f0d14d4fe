import type { IncomingMessage } from "node:http";
import type { Context, Service, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import type { HttpResponse } from "../http/response.ts";
import type { Alias } from "./alias-index.ts";
import type { GatewayRequest, GatewayResponse } from "./exchange.ts";
import type { Target } from "./routing.ts";

// moleculer-web's own types describe its settings. These describe the methods that we override or call.

/** A service with moleculer-web mixed in. */
export interface WebService extends Service {
  aliases: readonly Alias[];
  httpHandler(request: IncomingMessage, response: GatewayResponse): void;
  resolveAlias(path: string, method: string): ResolvedAlias | false;
  routeHandler(
    ctx: RequestContext,
    route: WebRoute,
    request: RoutedRequest,
    response: GatewayResponse,
    found: ResolvedAlias,
  ): Promise<unknown>;
  aliasHandler(request: RoutedRequest, response: GatewayResponse, alias: Alias): Promise<unknown>;
  callAction(route: WebRoute, action: string, request: RoutedRequest, response: GatewayResponse): Promise<void>;
  sendResponse(request: GatewayRequest, response: GatewayResponse, data: HttpResponse): void;
  sendError(request: IncomingMessage, response: GatewayResponse, error: unknown): void;
  errorHandler(request: IncomingMessage, response: GatewayResponse, error: unknown): void;
}

type RequestContext = Context<unknown, { user?: unknown }>;

export interface ResolvedAlias {
  readonly alias: Alias;
  readonly params: Readonly<Record<string, string>>;
  readonly target: Target;
}

export type Hook = (
  this: WebService,
  ctx: RequestContext,
  route: WebRoute,
  request: GatewayRequest,
  response: GatewayResponse,
  alias: Alias,
) => unknown;

export interface WebRoute {
  readonly name?: string;
  readonly onBeforeCall?: Hook;
  readonly authentication?: Hook;
  readonly authorization?: Hook;
}

/** A request with what moleculer-web leaves on it for its hooks. */
export interface RoutedRequest extends GatewayRequest {
  $ctx: RequestContext;
  $route: WebRoute;
  $alias: Alias;
  $params: { readonly params: object };
}

type ParseDeclaration = (this: WebService, ...args: unknown[]) => object;

/** moleculer-web itself: to be mixed in, and for what an override still needs of the method it replaces. */
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
