import type { ServerResponse } from "node:http";
import type { ServiceSchema } from "moleculer";
import type { Route } from "../routes.types.ts";
import { type AliasFunction, createAliases, isPage } from "./aliases.ts";
import type { GatewayRequest } from "./exchange.ts";
import { EXTENSIONS_PATH, EXTENSIONS_ROUTE } from "./extensions.ts";
import { type Hook, type WebService, webModule } from "./module.ts";
import { createOverrides, extensionOverrides } from "./overrides.ts";
import type { WebParts } from "./parts.ts";

/**
 * moleculer-web, set up so that it serves the table of routes and keeps the guarantees of docs/security.md. Each setting
 * and method that differs from the module's default has a comment with the reason.
 *
 * `parts` is a function because the gateway does not exist before the service has started.
 */
export function webMixin(
  parts: () => WebParts,
  table: readonly Route[],
  extensions: readonly string[],
): Partial<ServiceSchema> {
  return {
    mixins: [webModule],
    settings: createSettings(parts, table, extensions),
    actions: {
      // These two are public in the module: any node on the bus could open a route that no hook guards.
      addRoute: false,
      removeRoute: false,
      // Our httpHandler does not call it.
      rest: false,
      // Offered as `api.listAliases` and to operators only, see gateway.service.ts.
      listAliases: false,
    },
    methods: { ...createHookMethods(parts), ...createOverrides(parts), ...extensionOverrides },
  };
}

function createSettings(parts: () => WebParts, table: readonly Route[], extensions: readonly string[]) {
  return {
    // http/http-server.ts creates the server. gateway.ts decides when it starts and stops.
    server: false,
    // Settings are announced to every node on the bus.
    $secureSettings: ["routes", "onError"],
    // The module would log whole URLs, which can contain mailed tokens.
    logRequest: null,
    logRequestParams: null,
    logResponse: null,
    logRouteRegistration: "debug",
    // web/alias-index.ts replaces the search that depends on this order.
    optimizeOrder: false,
    onError(request: GatewayRequest, _response: ServerResponse, error: unknown): void {
      const { hooks, exchanges } = parts();
      hooks.recordRefusal(request.$exchange, error);
      exchanges.fail(request.$exchange, error);
    },
    routes: [
      { ...unguarded("pages"), aliases: createAliases(table.filter(isPage), (row) => serveRow(parts, row)) },
      {
        ...guarded(parts, "api"),
        aliases: createAliases(
          table.filter((row) => !isPage(row)),
          (row) => ("action" in row ? row.action : serveRow(parts, row)),
        ),
      },
      ...(extensions.length === 0 ? [] : [extensionsRoute(parts, extensions)]),
    ],
  };
}

function unguarded(name: string) {
  return {
    name,
    path: "/",
    // By default, a route without aliases publishes every action of the mesh.
    mappingPolicy: "restrict",
    // The module's parser accepts `__proto__` and reads the body before the caller is known.
    bodyParsers: false,
    // The module would let parameters of the query replace fields of the body.
    mergeParams: false,
    etag: false,
    // By default, the case of letters is ignored and a trailing slash matches.
    pathToRegexpOptions: { sensitive: true, trailing: false },
  };
}

function guarded(parts: () => WebParts, name: string) {
  const onBeforeCall: Hook = (_ctx, _route, { $exchange }) => parts().hooks.onBeforeCall($exchange);
  return { ...unguarded(name), authentication: true, authorization: true, onBeforeCall };
}

/** Actions of other teams' services, as their `rest` declares them. */
function extensionsRoute(parts: () => WebParts, whitelist: readonly string[]) {
  return { ...guarded(parts, EXTENSIONS_ROUTE), path: EXTENSIONS_PATH, autoAliases: true, whitelist, aliases: {} };
}

function serveRow(parts: () => WebParts, row: Route): AliasFunction {
  return ({ $exchange }, _response, next) => {
    const { serve, exchanges } = parts();
    if ($exchange.isAnswered) return;
    const result = serve(row, $exchange);
    if (!(result instanceof Promise)) return exchanges.answer($exchange, result);
    result.then((response) => exchanges.answer($exchange, response)).catch(next);
  };
}

/** moleculer-web calls these methods for routes with `authentication` and `authorization`. */
function createHookMethods(parts: () => WebParts): Record<string, Hook> {
  return {
    authenticate: (_ctx, _route, { $exchange }) => parts().hooks.authenticate($exchange),
    authorize: (_ctx, _route, { $exchange }) => parts().hooks.authorize($exchange),
  };
}

/** Runs the module's action. `grouping` groups aliases by route, `withActionSchema` adds the definitions of actions. */
export function listAliases(service: WebService, params: object): Array<Record<string, unknown>> {
  return webModule.actions.listAliases.handler.call(service, { params });
}
