import type { PageRoute, Route } from "../routes.types.ts";
import type { GatewayRequest } from "./exchange.ts";

/** A function that answers the requests to an alias itself, or passes an error to `next`. */
export type AliasFunction = (request: GatewayRequest, response: unknown, next: (error: unknown) => void) => void;

/** The rows of the table as moleculer-web's aliases, such as `"GET /api/v1/users/:id": "users.person"`. */
export function createAliases<R extends Route>(
  rows: readonly R[],
  /** The name of the action, or the function, that serves a row. */
  targetOf: (row: R) => string | AliasFunction,
): Record<string, string | AliasFunction> {
  return Object.fromEntries(rows.map((row) => [aliasName(row), targetOf(row)]));
}

export function aliasName({ method, path }: Pick<Route, "method" | "path">): string {
  return `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
}

export function isPage(route: Route): route is PageRoute {
  return route.kind === "page";
}
