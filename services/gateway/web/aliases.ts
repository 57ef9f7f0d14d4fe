import type { PageRoute, Route } from "../routes.types.ts";
import type { GatewayRequest } from "./exchange.ts";

/** An alias of moleculer-web that is served by a function; `next` takes its error. */
export type AliasFunction = (request: GatewayRequest, response: unknown, next: (error: unknown) => void) => void;

/** The rows of the table as moleculer-web's aliases: `"GET /api/v1/users/:id": "users.person"`. */
export function createAliases<R extends Route>(
  rows: readonly R[],
  serve: (row: R) => string | AliasFunction,
): Record<string, string | AliasFunction> {
  return Object.fromEntries(rows.map((row) => [aliasName(row), serve(row)]));
}

export function aliasName({ method, path }: Pick<Route, "method" | "path">): string {
  return `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
}

export function isPage(route: Route): route is PageRoute {
  return route.kind === "page";
}
