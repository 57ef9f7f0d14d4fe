import type { IncomingMessage } from "node:http";
import { parseRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { JsonObject } from "../http/json-body.ts";
import type { JsonRoute, RedirectRoute, RouteAdapter } from "../routes.types.ts";
import type { SessionCookies, SessionTokens } from "./session-cookies.ts";

/** Param of the actions that sign in: the session that the browser has so far. Only its cookie carries it. */
export const REPLACED_SESSION_FIELD = "replaced_refresh_token";

/**
 * Reads the tokens that the action takes from their cookies, its own and that of the session it replaces, and sets or
 * clears the session's cookies.
 */
export function createSessionCookieAdapter(
  cookies: SessionCookies,
  route: JsonRoute | RedirectRoute,
  paramNames: readonly string[],
): RouteAdapter {
  const takesRefreshToken = paramNames.includes("refresh_token");
  const takesDeviceToken = paramNames.includes("device_token");
  const setsCookies = route.sessionCookies === "set";
  return {
    params(request) {
      if (!paramNames.includes(REPLACED_SESSION_FIELD)) return {};
      const token = cookies.refreshToken(request);
      return token !== undefined && parseRefreshToken(token) ? { [REPLACED_SESSION_FIELD]: token } : {};
    },
    body(body, { request }, caller) {
      if (body.use_cookies === true) cookies.csrf.assertAllowedOrigin(request);
      if (takesDeviceToken) return withDeviceToken(cookies, body, request);
      if (!takesRefreshToken || caller.kind === "user" || Object.hasOwn(body, "refresh_token")) return body;
      // Clients of the RBAC service send the refresh token in the header, like an access token.
      const bearer = route.legacy && setsCookies ? bearerToken(request) : undefined;
      if (bearer !== undefined) return { ...body, refresh_token: bearer };
      const refreshToken = cookies.refreshToken(request);
      if (refreshToken === undefined) return body;
      // A malformed token has no session to protect; the action rejects it.
      const session = parseRefreshToken(refreshToken);
      if (session) cookies.csrf.assertNotForged(request, session.sessionId);
      return { ...body, refresh_token: refreshToken, ...(setsCookies && { use_cookies: true }) };
    },
    result(result, { request, responseHeaders }, params) {
      if (!setsCookies) {
        if (request.headers.cookie !== undefined) responseHeaders.push(...cookies.clear());
        return result;
      }
      // For an OAuth callback it is in the result, because the provider's redirect does not repeat the client's request.
      const isRequested = params.use_cookies === true || (result as JsonObject).use_cookies === true;
      return isRequested
        ? moveTokensToCookies(cookies, route, result as JsonObject, request, responseHeaders)
        : withTokens(route, result as JsonObject);
    },
  };
}

function bearerToken({ headers }: IncomingMessage): string | undefined {
  return /^Bearer (\S+)$/i.exec(headers.authorization ?? "")?.[1];
}

/** Needs no CSRF protection: the token does not sign in, it only names the device to the login throttle. */
function withDeviceToken(cookies: SessionCookies, body: JsonObject, request: IncomingMessage): JsonObject {
  const token = cookies.deviceToken(request);
  return token === undefined || Object.hasOwn(body, "device_token") ? body : { ...body, device_token: token };
}

/** Adds `transport` to the response, for clients that handle tokens and cookies. */
function withTokens({ dataField }: JsonRoute | RedirectRoute, result: JsonObject): JsonObject {
  const data = dataField === undefined ? result : result[dataField];
  if (!hasTokens(data)) return result;
  const shown = { ...data, transport: "tokens" };
  return dataField === undefined ? shown : { ...result, [dataField]: shown };
}

/** Replaces the tokens in the response, which a script could steal, by the CSRF token. */
function moveTokensToCookies(
  cookies: SessionCookies,
  { dataField }: JsonRoute | RedirectRoute,
  result: JsonObject,
  request: IncomingMessage,
  responseHeaders: string[],
): unknown {
  const data = dataField === undefined ? result : result[dataField];
  if (!hasTokens(data)) return result;
  responseHeaders.push(...cookies.set(request, data));
  const { access_token: _, refresh_token: __, device_token: ___, ...rest } = data;
  const shown = { ...rest, transport: "cookies", csrf_token: cookies.csrf.token(data.session_id) };
  return dataField === undefined ? shown : { ...result, [dataField]: shown };
}

function hasTokens(data: unknown): data is SessionTokens {
  return typeof data === "object" && data !== null && "access_token" in data;
}
