import { type HookDeps, type PreparedRoute, prepareOtherRoute, prepareRoute } from "../api/prepare-route.ts";
import type { HttpMetrics, RouteMetrics } from "../http-metrics.ts";
import type { Route } from "../routes.types.ts";
import { type Alias, createAliasIndex, type PathMatch } from "./alias-index.ts";
import { aliasName } from "./aliases.ts";
import { EXTENSIONS_ROUTE, extensionRoute } from "./extensions.ts";

/** An alias with what is derived from its route once. */
export interface Target {
  readonly alias: Alias;
  /** Null for a page. */
  readonly route: PreparedRoute | null;
  readonly metrics: RouteMetrics;
}

export type FindPath = (aliases: readonly Alias[], path: string) => PathMatch<Target> | null;

/** Finds the targets of a path among moleculer-web's aliases, which change when a service with routes joins or leaves. */
export function createRouting(deps: HookDeps & { readonly metrics: HttpMetrics }, routes: readonly Route[]): FindPath {
  const rows = new Map(routes.map((route) => [aliasName(route), describe(deps, route)]));
  const describeAlias = (alias: Alias): Target => {
    if (alias.route.name === EXTENSIONS_ROUTE) {
      const route = extensionRoute(alias);
      return { alias, route: prepareOtherRoute(route), metrics: deps.metrics.route(route.method, route.path) };
    }
    const row = rows.get(`${alias.method} ${alias.fullPath}`);
    if (!row) throw new Error(`The alias ${alias.method} ${alias.fullPath} is not in the table of routes.`);
    return { alias, ...row };
  };
  let indexed: readonly Alias[] = [];
  let find = createAliasIndex(indexed, describeAlias);
  return (aliases, path) => {
    // moleculer-web replaces the list when it changes.
    if (aliases !== indexed) {
      indexed = aliases;
      find = createAliasIndex(aliases, describeAlias);
    }
    return find(path);
  };
}

function describe(deps: HookDeps & { readonly metrics: HttpMetrics }, route: Route): Omit<Target, "alias"> {
  const metrics = deps.metrics.route(route.method, route.path);
  if (route.kind === "page") return { route: null, metrics };
  return { route: route.kind === "events" ? prepareOtherRoute(route) : prepareRoute(deps, route), metrics };
}
