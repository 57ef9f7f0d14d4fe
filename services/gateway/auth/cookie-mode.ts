import type { IncomingMessage } from "node:http";
import type { JsonObject } from "../http/json-body.ts";
import type { HttpResponse } from "../http/response.ts";
import type { ApiRoute } from "../routes.ts";
import type { Authentication } from "./authenticate.ts";
import type { SessionCookies, SessionTokens } from "./session-cookies.ts";

/** The body with the refresh token of a browser that keeps it where no script can read it. */
export function withRefreshCookie(
  cookies: SessionCookies,
  route: ApiRoute,
  request: IncomingMessage,
  { caller }: Pick<Authentication, "caller">,
  body: JsonObject,
): JsonObject {
  if (body.use_cookies === true) cookies.assertOwnOrigin(request);
  if (!takesRefreshToken(route) || caller.kind === "user" || Object.hasOwn(body, "refresh_token")) return body;
  const refreshToken = cookies.refreshToken(request);
  if (refreshToken === undefined) return body;
  cookies.assertRefreshNotForged(request, refreshToken);
  return { ...body, refresh_token: refreshToken, ...(route.sessionCookies === "set" && { use_cookies: true }) };
}

function takesRefreshToken({ action }: ApiRoute): boolean {
  return action === "auth.refresh" || action === "sessions.logout";
}

interface Asked {
  readonly use_cookies?: unknown;
}

/** What the client is given where it asked for cookies: no token that a script could carry away, but the CSRF token. */
export function inCookies(
  cookies: SessionCookies,
  { dataField }: Pick<ApiRoute, "dataField">,
  result: unknown,
  params: Asked,
): { readonly result: unknown; readonly headers: readonly string[] } {
  // Back from a provider, the client that asked is not the one that sends the request.
  const isAsked = params.use_cookies === true || (result as Asked).use_cookies === true;
  const tokens = dataField === undefined ? result : (result as Readonly<Record<string, unknown>>)[dataField];
  if (!isAsked || !isSignedIn(tokens)) return { result, headers: [] };
  const { access_token: _, refresh_token: __, ...rest } = tokens;
  const data = { ...rest, csrf_token: cookies.csrfToken(tokens.session_id) };
  const shown = dataField === undefined ? data : { ...(result as object), [dataField]: data };
  return { result: shown, headers: cookies.set(tokens) };
}

function isSignedIn(outcome: unknown): outcome is SessionTokens {
  return typeof outcome === "object" && outcome !== null && "access_token" in outcome;
}

export function withHeaders(answer: HttpResponse, headers: readonly string[]): HttpResponse {
  return headers.length === 0 ? answer : { ...answer, headers: [...(answer.headers ?? []), ...headers] };
}
