import * as z from "zod";
import { type Access, type ActionDef, asAnyone, asUser } from "../../../lib/actions/contract.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import { bindingField, createBindingAdapter } from "../auth/binding-cookies.ts";
import { createSessionCookieAdapter, REPLACED_SESSION_FIELD } from "../auth/session-cookie-adapter.ts";
import type { SessionCookies } from "../auth/session-cookies.ts";
import type { ApiRoute, EventsRoute, ExtensionRoute, GuardedRoute, RouteAdapter } from "../routes.types.ts";

/** A route with what is derived from it once, at startup. */
export interface PreparedRoute {
  readonly route: GuardedRoute;
  readonly access: Access;
  /** Milliseconds; undefined for the default of api/call-route.ts. */
  readonly timeout?: number | undefined;
  /** Parameters that are read from the query. */
  readonly queryNames: readonly string[];
  /** Parameters that a body may not contain. */
  readonly reservedNames: readonly string[];
  readonly adapters: readonly RouteAdapter[];
}

export interface AdapterDeps {
  readonly sessionCookies: SessionCookies;
  readonly publicUrl: string;
}

export function prepareRoute(deps: AdapterDeps, route: ApiRoute): PreparedRoute {
  const { access, params, timeout } = routeAction(route);
  const names = params instanceof z.ZodObject ? Object.keys(params.shape) : [];
  const reservedNames = reservedParams(route);
  const queryNames = takesQuery(route) ? names.filter((name) => !reservedNames.includes(name)) : [];
  return { route, access, timeout, queryNames, reservedNames, adapters: createAdapters(deps, route, names) };
}

/** For a route that calls no action of ours: no contract says who may call it and which parameters it has. */
export function prepareRouteWithoutContract(route: EventsRoute | ExtensionRoute): PreparedRoute {
  const access = route.auth === "user" ? asUser : asAnyone;
  return { route, access, queryNames: [], reservedNames: [], adapters: [] };
}

export function routeAction({ path, action }: ApiRoute): ActionDef {
  const def = definitionOf(action);
  if (!def) throw new Error(`The route ${path} refers to an unknown action: ${action}`);
  return def;
}

export function takesQuery(route: ApiRoute): boolean {
  return (route.kind === "redirect" && route.method === "GET") || (route.kind === "list" && route.paginated);
}

export function pathParamNames({ path }: Pick<ApiRoute, "path">): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

/** The action's parameters that come from the path or a cookie, and never from query or body. */
export function reservedParams(route: ApiRoute): string[] {
  const cookie = "bindingCookie" in route ? route.bindingCookie : undefined;
  const setsCookies = "sessionCookies" in route && route.sessionCookies === "set";
  return [
    ...pathParamNames(route),
    ...(cookie === undefined ? [] : [bindingField(cookie)]),
    ...(setsCookies ? [REPLACED_SESSION_FIELD] : []),
  ];
}

/** In the order in which they change the body. They change the result in reverse order. */
function createAdapters(deps: AdapterDeps, route: ApiRoute, names: readonly string[]): RouteAdapter[] {
  const adapters: RouteAdapter[] = [];
  if (route.translate) adapters.push({ body: route.translate.request, result: route.translate.response });
  if (route.kind !== "json" && route.kind !== "redirect") return adapters;
  if (route.bindingCookie) adapters.push(createBindingAdapter(deps.publicUrl, route.bindingCookie, names));
  if (route.sessionCookies) adapters.push(createSessionCookieAdapter(deps.sessionCookies, route, names));
  return adapters;
}
