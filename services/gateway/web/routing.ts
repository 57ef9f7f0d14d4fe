import {
  type AdapterDeps,
  type PreparedRoute,
  prepareRoute,
  prepareRouteWithoutContract,
} from "../api/prepare-route.ts";
import type { HttpMetrics, RouteMetrics } from "../http-metrics.ts";
import type { Route } from "../routes.types.ts";
import { type Alias, createAliasIndex, type PathMatch } from "./alias-index.ts";
import { aliasName } from "./aliases.ts";
import { EXTENSIONS_ROUTE, extensionRoute } from "./extensions.ts";

/** An alias with what is derived from its route, so that this is not done again for each request. */
export interface Target {
  readonly alias: Alias;
  /** Null for a page. */
  readonly prepared: PreparedRoute | null;
  readonly metrics: RouteMetrics;
}

interface RoutingDeps extends AdapterDeps {
  readonly metrics: HttpMetrics;
}

export type FindPath = (aliases: readonly Alias[], path: string) => PathMatch<Target> | null;

/** Finds the targets of a path among moleculer-web's aliases, which change when a service with routes joins or leaves. */
export function createRouting(deps: RoutingDeps, routes: readonly Route[]): FindPath {
  const rows = new Map(routes.map((route) => [aliasName(route), describeRow(deps, route)]));
  const describeAlias = (alias: Alias): Target => {
    if (alias.route.name === EXTENSIONS_ROUTE) {
      const route = extensionRoute(alias);
      const metrics = deps.metrics.route(route.method, route.path);
      return { alias, prepared: prepareRouteWithoutContract(route), metrics };
    }
    const row = rows.get(`${alias.method} ${alias.fullPath}`);
    if (!row) throw new Error(`The alias ${alias.method} ${alias.fullPath} is not in the table of routes.`);
    return { alias, ...row };
  };
  let indexed: readonly Alias[] = [];
  let find = createAliasIndex(indexed, describeAlias);
  return (aliases, path) => {
    // moleculer-web makes a new list for each change.
    if (aliases !== indexed) {
      indexed = aliases;
      find = createAliasIndex(aliases, describeAlias);
    }
    return find(path);
  };
}

function describeRow(deps: RoutingDeps, route: Route): Omit<Target, "alias"> {
  const metrics = deps.metrics.route(route.method, route.path);
  if (route.kind === "page") return { prepared: null, metrics };
  if (route.kind === "events") return { prepared: prepareRouteWithoutContract(route), metrics };
  return { prepared: prepareRoute(deps, route), metrics };
}
