import * as z from "zod";
import { type Access, type ActionDef, asAnyone, asUser } from "../../../lib/actions/contract.ts";
import { definitionOf } from "../../../lib/actions/typed-call.ts";
import { OAUTH_STATE_FIELD } from "../auth/oauth-state-cookie.ts";
import { createSessionCookieHook } from "../auth/session-cookie-hook.ts";
import type { SessionCookies } from "../auth/session-cookies.ts";
import type { ApiRoute, EventsRoute, ExtensionRoute, GuardedRoute, RouteHook } from "../routes.types.ts";

/** A route with what is derived from it once, at startup. */
export interface PreparedRoute {
  readonly route: GuardedRoute;
  readonly access: Access;
  /** Milliseconds; undefined for the bus's own. */
  readonly timeout?: number | undefined;
  /** Parameters that are read from the query. */
  readonly queryNames: readonly string[];
  /** Parameters that a body may not contain. */
  readonly reservedNames: readonly string[];
  readonly hooks: readonly RouteHook[];
}

export interface HookDeps {
  readonly sessionCookies: SessionCookies;
  readonly oauthStateHook: RouteHook;
}

export function prepareRoute(deps: HookDeps, route: ApiRoute): PreparedRoute {
  const { access, params, timeout } = routeAction(route);
  const names = params instanceof z.ZodObject ? Object.keys(params.shape) : [];
  const reservedNames = reservedParams(route);
  const queryNames = takesQuery(route) ? names.filter((name) => !reservedNames.includes(name)) : [];
  return { route, access, timeout, queryNames, reservedNames, hooks: createHooks(deps, route, names) };
}

/** A route without an action of ours: its parameters are not checked here. */
export function prepareOtherRoute(route: EventsRoute | ExtensionRoute): PreparedRoute {
  const access = route.auth === "user" ? asUser : asAnyone;
  return { route, access, queryNames: [], reservedNames: [], hooks: [] };
}

export function routeAction({ path, action }: ApiRoute): ActionDef {
  const def = definitionOf(action);
  if (!def) throw new Error(`The route ${path} refers to an unknown action: ${action}`);
  return def;
}

export function takesQuery(route: ApiRoute): boolean {
  return route.kind === "redirect" || (route.kind === "list" && route.paginated);
}

export function pathParamNames({ path }: Pick<ApiRoute, "path">): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

/** The action's parameters that come from the path or a cookie, and never from query or body. */
export function reservedParams(route: ApiRoute): string[] {
  return "oauthStateCookie" in route ? [...pathParamNames(route), OAUTH_STATE_FIELD] : pathParamNames(route);
}

/** In the order in which they are applied to the body; the result passes them in reverse. */
function createHooks(deps: HookDeps, route: ApiRoute, names: readonly string[]): RouteHook[] {
  const hooks: RouteHook[] = [];
  if (route.translate) hooks.push({ body: route.translate.request, result: route.translate.response });
  if (route.kind !== "json" && route.kind !== "redirect") return hooks;
  if (route.oauthStateCookie) hooks.push(deps.oauthStateHook);
  if (route.sessionCookies)
    hooks.push(createSessionCookieHook(deps.sessionCookies, route, names.includes("refresh_token")));
  return hooks;
}
