import type { ServiceSchema } from "moleculer";
import type { Route } from "../routes.types.ts";
import { type AliasFunction, createAliases, isPage } from "./aliases.ts";
import type { GatewayRequest, GatewayResponse } from "./exchange.ts";
import { EXTENSIONS_PATH, EXTENSIONS_ROUTE } from "./extensions.ts";
import { type Hook, type WebService, webModule } from "./module.ts";
import { createOverrides, extensionOverrides } from "./overrides.ts";
import type { WebParts } from "./parts.ts";

/**
 * moleculer-web, set up so that it serves the table of routes and keeps the guarantees of docs/security.md. Whatever is
 * overridden here says why; everything else is as the module documents it.
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
      // Public in the module: any node on the bus could open a route that no hook guards.
      addRoute: false,
      removeRoute: false,
      // Runs a request as an action, in a context of its own and through the broker's middlewares. See httpHandler.
      rest: false,
      // Its handler is in gateway.service.ts. Without this it would be offered as a route of /ext.
      listAliases: { rest: null },
    },
    methods: { ...createHookMethods(parts), ...createOverrides(parts), ...extensionOverrides },
  };
}

function createSettings(parts: () => WebParts, table: readonly Route[], extensions: readonly string[]) {
  return {
    // http/http-server.ts creates the server, and starts and stops it in our order.
    server: false,
    // Settings are announced to every node on the bus.
    $secureSettings: ["routes", "onError"],
    // The module logs whole URLs, and those contain mailed tokens.
    logRequest: null,
    logRequestParams: null,
    logResponse: null,
    logRouteRegistration: "debug",
    optimizeOrder: false,
    onError(request: GatewayRequest, _response: GatewayResponse, error: unknown): void {
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
    // Without it, a route with no aliases would publish every action of the mesh.
    mappingPolicy: "restrict",
    // The module's parser accepts `__proto__` and reads the body before the caller is known.
    bodyParsers: false,
    // Merged parameters of the query would replace those of the body.
    mergeParams: false,
    etag: false,
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
    const result = serve(row, $exchange);
    if (!(result instanceof Promise)) return exchanges.answer($exchange, result);
    result.then((response) => exchanges.answer($exchange, response)).catch(next);
  };
}

function createHookMethods(parts: () => WebParts): Record<string, Hook> {
  return {
    authenticate: (_ctx, _route, { $exchange }) => parts().hooks.authenticate($exchange),
    authorize: (_ctx, _route, { $exchange }) => parts().hooks.authorize($exchange),
  };
}

/** The module's own action: a route with `grouping`, the schemas of the actions with `withActionSchema`. */
export function listAliases(service: WebService, params: object): Array<Record<string, unknown>> {
  return webModule.actions.listAliases.handler.call(service, { params });
}
