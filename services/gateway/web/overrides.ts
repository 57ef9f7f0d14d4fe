import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import { AppError } from "../../../lib/actions/errors.ts";
import { listServices } from "../../../lib/runtime/moleculer-internals.ts";
import { withoutBase } from "../http/base-path.ts";
import { assertPlainTransfer, assertSingleHost, type Cors } from "../http/headers.ts";
import { type HttpResponse, TEXT_TYPE } from "../http/response.ts";
import { readTarget } from "../http/target.ts";
import type { Alias } from "./alias-index.ts";
import type { Exchange, GatewayRequest } from "./exchange.ts";
import { acceptDeclaration } from "./extensions.ts";
import { type ResolvedAlias, type RoutedRequest, type WebRoute, type WebService, webModule } from "./module.ts";
import type { WebParts } from "./parts.ts";

/**
 * Methods that replace moleculer-web's, each with what is wrong with the module's own. The measurements are in
 * docs/decisions/015-moleculer-web.md.
 */
export function createOverrides(parts: () => WebParts) {
  return {
    /**
     * The module's method calls the action `rest`: a second context and a second pass through the broker's middlewares for
     * every request. It answers OPTIONS by running the action of another method, and reports a wrong method as 404.
     */
    httpHandler(this: WebService, request: IncomingMessage, response: ServerResponse): void {
      const exchange = parts().exchanges.begin(request, response);
      (request as GatewayRequest).$exchange = exchange;
      const serve = () =>
        dispatch(this, parts(), exchange).catch((error) => this.errorHandler(request, response, error));
      const { trace } = parts();
      void (trace ? trace(exchange, serve) : serve());
    },
    /** The module's method compares a path with all aliases in turn, and ignores the case of letters. */
    resolveAlias(this: WebService, path: string, method: string): ResolvedAlias | false {
      const target = parts().findPath(this.aliases, path)?.methods.get(method);
      return target ? { alias: target.alias, params: target.alias.match(path) || {}, target } : false;
    },
    /**
     * The module's method prepares for `use` middlewares and body parsers, which our routes do not have: its promises and
     * listeners cost about 4 µs a request. Both leave the route, the alias and the path parameters on the request, for
     * hooks.
     */
    routeHandler(
      this: WebService,
      _ctx: object,
      route: WebRoute,
      request: RoutedRequest,
      response: ServerResponse,
      found: ResolvedAlias,
    ) {
      request.$route = route;
      request.$alias = found.alias;
      request.$params = { params: found.params };
      return this.aliasHandler(request, response, found.alias);
    },
    /**
     * The module's method chooses a node before it runs the hooks: anyone could see which services are down, and the node
     * may have left by the time a body is read. This one runs the same hooks in the same order. For an alias that calls no
     * action the module chooses no node, so its own method is used.
     */
    async aliasHandler(this: WebService, request: RoutedRequest, response: ServerResponse, alias: Alias) {
      if (alias.action === null) return webModule.methods.aliasHandler.call(this, request, response, alias);
      const { $route: route, $ctx: ctx } = request;
      await route.onBeforeCall?.call(this, ctx, route, request, response, alias);
      const user = route.authentication?.call(this, ctx, route, request, response, alias);
      ctx.meta.user = (user instanceof Promise ? await user : user) ?? null;
      await route.authorization?.call(this, ctx, route, request, response, alias);
      await this.callAction(route, alias.action, request, response);
    },
    /** The module's method merges the meta of the called action into the request's, and sets headers and status from it. */
    async callAction(
      this: WebService,
      _route: object,
      _action: string,
      request: GatewayRequest,
      response: ServerResponse,
    ): Promise<void> {
      // Checks the token again, because reading the body may have taken seconds. No await may follow before the call.
      request.$exchange.auth?.recheck();
      this.sendResponse(request, response, await parts().call(request.$exchange));
    },
    /** The module's method sets headers one by one, and lets meta choose some of them. */
    sendResponse(this: WebService, { $exchange }: GatewayRequest, _response: ServerResponse, data: HttpResponse): void {
      parts().exchanges.answer($exchange, data);
    },
    /** The module's method logs the data of errors, which may be personal. */
    errorHandler(this: WebService, request: IncomingMessage, response: ServerResponse, error: unknown): void {
      this.sendError(request, response, error);
    },
  };
}

/** Finds the alias that serves a request, and lets moleculer-web run its hooks and serve it. Rejects with 404 or 405. */
async function dispatch(service: WebService, parts: WebParts, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  assertSingleHost(request);
  assertPlainTransfer(request);
  const target = readTarget(request.url ?? "/");
  exchange.query = target.query;
  const method = request.method ?? "";
  exchange.path = withoutBase(target.path, parts.base, {
    serves: (path) => parts.findPath(service.aliases, path)?.methods.has(method) === true,
    exists: (path) => parts.findPath(service.aliases, path) !== null,
  });
  const found = method === "OPTIONS" ? false : service.resolveAlias(exchange.path, method);
  // The others are limited by their hooks.
  const isGuarded = found !== false && found.target.prepared !== null;
  if (!isGuarded) await parts.limitPage(exchange);
  if (!found) return parts.exchanges.answer(exchange, respondWithoutAlias(parts, service, exchange));
  exchange.metrics = found.target.metrics;
  exchange.prepared = found.target.prepared;
  exchange.pathParams = found.params;
  const routed = request as RoutedRequest;
  routed.$ctx = createContext(service.broker, exchange);
  await service.routeHandler(routed.$ctx, found.alias.route, routed, response, found);
}

/** The context that the hooks receive. It has no endpoint, because it is not the context of an action. */
function createContext(broker: ServiceBroker, { correlationId }: Exchange): RoutedRequest["$ctx"] {
  return broker.ContextFactory.create(broker, null as never, {}, { requestID: correlationId });
}

/** The response to OPTIONS. Throws 404 for an unknown path, 405 for a method that the path does not have. */
function respondWithoutAlias({ findPath, cors }: WebParts, { aliases }: WebService, exchange: Exchange): HttpResponse {
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

const MAX_KEPT_ALIASES = 1_000;

/** Methods that replace moleculer-web's because they trust the declarations of other services, which come over the bus. */
export const extensionOverrides = {
  parseActionRestString(this: WebService, ...args: unknown[]) {
    return parseSafely(() => webModule.methods.parseActionRestString.apply(this, args));
  },
  parseActionRestObject(this: WebService, ...args: unknown[]) {
    return parseSafely(() => webModule.methods.parseActionRestObject.apply(this, args));
  },
  /**
   * Keeps the aliases of services that have left, so that their paths are 503 and not 404 until they are back. An alias
   * that its service no longer declares is dropped. In the index, aliases that come later win.
   */
  regenerateAutoAliases(this: WebService, route: WebRoute): void {
    const before = this.aliases.filter((alias) => alias.route === route);
    webModule.methods.regenerateAutoAliases.call(this, route);
    const present = listServices(this.broker);
    const kept = before.filter(({ action }) => !present.some((name) => action?.startsWith(`${name}.`)));
    this.aliases = [...kept.slice(-MAX_KEPT_ALIASES), ...this.aliases];
  },
};

/** The module's parsers throw for values that cannot be converted to text. */
function parseSafely(parse: () => object): ReturnType<typeof acceptDeclaration> {
  try {
    return acceptDeclaration(parse());
  } catch {
    return null;
  }
}
