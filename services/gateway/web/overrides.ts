import type { IncomingMessage } from "node:http";
import type { ServiceBroker } from "moleculer";
import { AppError } from "../../../lib/actions/errors.ts";
import { assertSingleHost, type Cors } from "../http/headers.ts";
import { type HttpResponse, TEXT_TYPE } from "../http/response.ts";
import { readTarget } from "../http/target.ts";
import type { Alias } from "./alias-index.ts";
import type { Exchange, GatewayRequest, GatewayResponse } from "./exchange.ts";
import { acceptDeclaration } from "./extensions.ts";
import { type ResolvedAlias, type RoutedRequest, type WebRoute, type WebService, webModule } from "./module.ts";
import type { WebParts } from "./parts.ts";

/** Methods of moleculer-web that are replaced, each with its reason. docs/decisions has the measurements. */
export function createOverrides(parts: () => WebParts) {
  return {
    /**
     * The module's handler calls the action `rest`: a second context and a second pass through the broker's middlewares for
     * every request. It answers OPTIONS by running the action of another method, and reports a wrong method as 404.
     */
    httpHandler(this: WebService, request: IncomingMessage, response: GatewayResponse): void {
      const exchange = parts().exchanges.begin(request, response);
      (request as GatewayRequest).$exchange = exchange;
      dispatch(this, parts(), exchange).catch((error) => this.errorHandler(request, response, error));
    },
    /** Uses an index instead of comparing with all aliases, and compares letters by case. */
    resolveAlias(this: WebService, path: string, method: string): ResolvedAlias | false {
      const match = parts().findPath(this.aliases, path);
      const target = match?.methods.get(method);
      return match && target ? { alias: target.alias, params: match.params, target } : false;
    },
    /**
     * Our routes have no `use` middlewares and no body parsers, whose promises and listeners cost the module's handler about
     * 4 µs a request. What it leaves on the request for hooks is the same.
     */
    routeHandler(
      this: WebService,
      _ctx: object,
      route: WebRoute,
      request: RoutedRequest,
      response: GatewayResponse,
      found: ResolvedAlias,
    ) {
      request.$route = route;
      request.$alias = found.alias;
      request.$params = { params: found.params };
      return this.aliasHandler(request, response, found.alias);
    },
    /**
     * The module's looks for a node before it runs the hooks: anyone could see which services are down, and the node may
     * have left by the time a body is read. The hooks are the module's, and in its order.
     */
    async aliasHandler(this: WebService, request: RoutedRequest, response: GatewayResponse, alias: Alias) {
      if (alias.action === null) return webModule.methods.aliasHandler.call(this, request, response, alias);
      const { $route: route, $ctx: ctx } = request;
      await route.onBeforeCall?.call(this, ctx, route, request, response, alias);
      const found = route.authentication?.call(this, ctx, route, request, response, alias);
      ctx.meta.user = (found instanceof Promise ? await found : found) ?? null;
      await route.authorization?.call(this, ctx, route, request, response, alias);
      await this.callAction(route, alias.action, request, response);
    },
    /** The module's merges the callee's meta into the request's, from where it would set headers and the status. */
    async callAction(
      this: WebService,
      _route: object,
      _action: string,
      request: GatewayRequest,
      response: GatewayResponse,
    ): Promise<void> {
      // Reading the body may have taken seconds. There is no await between this check and the call.
      request.$exchange.auth?.recheck();
      this.sendResponse(request, response, await parts().call(request.$exchange));
    },
    /** Writes the envelope and all headers at once. */
    sendResponse(
      this: WebService,
      { $exchange }: GatewayRequest,
      _response: GatewayResponse,
      data: HttpResponse,
    ): void {
      parts().exchanges.answer($exchange, data);
    },
    /** The module's logs the data of errors, which may be personal. */
    errorHandler(this: WebService, request: IncomingMessage, response: GatewayResponse, error: unknown): void {
      this.sendError(request, response, error);
    },
  };
}

/** Finds the alias of a request: 404 for an unknown path, 405 for a method that the path does not have. */
async function dispatch(service: WebService, parts: WebParts, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  assertSingleHost(request);
  const target = readTarget(request.url ?? "/");
  exchange.path = target.path;
  exchange.query = target.query;
  const method = request.method ?? "";
  const found = method === "OPTIONS" ? false : service.resolveAlias(exchange.path, method);
  if (!found) return parts.exchanges.answer(exchange, answerUnmatched(parts, service, exchange));
  exchange.metrics = found.target.metrics;
  exchange.route = found.target.route;
  exchange.pathParams = found.params;
  const routed = request as RoutedRequest;
  routed.$ctx = createContext(service.broker, exchange);
  await service.routeHandler(routed.$ctx, found.alias.route, routed, response, found);
}

function createContext(broker: ServiceBroker, { correlationId }: Exchange): RoutedRequest["$ctx"] {
  return broker.ContextFactory.create(broker, null as never, {}, { requestID: correlationId });
}

function answerUnmatched({ findPath, cors }: WebParts, { aliases }: WebService, exchange: Exchange): HttpResponse {
  const { request, path, responseHeaders } = exchange;
  const match = findPath(aliases, path);
  if (!match) throw new AppError("not_found");
  if (request.method === "OPTIONS") return optionsResponse(request, match.allow, cors);
  responseHeaders.push("Allow", match.allow);
  throw new AppError("method_not_allowed");
}

function optionsResponse(request: IncomingMessage, allow: string, cors: Cors): HttpResponse {
  const isPreflight = request.headers["access-control-request-method"] !== undefined;
  const corsHeaders = isPreflight ? cors.preflightFor(request, allow) : cors.headersFor(request);
  return { status: 200, contentType: TEXT_TYPE, body: "", headers: ["Allow", allow, ...corsHeaders] };
}

/** The declarations of other services arrive over the bus; the module trusts them. */
export const extensionOverrides = {
  parseActionRestString(this: WebService, ...args: unknown[]) {
    return acceptDeclaration(webModule.methods.parseActionRestString.apply(this, args));
  },
  parseActionRestObject(this: WebService, ...args: unknown[]) {
    return acceptDeclaration(webModule.methods.parseActionRestObject.apply(this, args));
  },
  /** Keeps the aliases of services that have left, so that their paths are 503 and not 404 until they are back. */
  regenerateAutoAliases(this: WebService, route: WebRoute): void {
    const before = this.aliases.filter((alias) => alias.route === route);
    webModule.methods.regenerateAutoAliases.call(this, route);
    const present = new Set(this.aliases.map(({ action }) => action));
    this.aliases = [...this.aliases, ...before.filter(({ action }) => !present.has(action))];
  },
};
