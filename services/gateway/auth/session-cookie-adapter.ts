import { parseRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { JsonObject } from "../http/json-body.ts";
import type { JsonRoute, RedirectRoute, RouteAdapter } from "../routes.types.ts";
import type { SessionCookies, SessionTokens } from "./session-cookies.ts";

/** Reads the refresh token from its cookie if the action `takesRefreshToken`, and sets or clears the session's cookies. */
export function createSessionCookieAdapter(
  cookies: SessionCookies,
  route: JsonRoute | RedirectRoute,
  takesRefreshToken: boolean,
): RouteAdapter {
  const setsCookies = route.sessionCookies === "set";
  return {
    body(body, { request }, caller) {
      if (body.use_cookies === true) cookies.csrf.assertAllowedOrigin(request);
      if (!takesRefreshToken || caller.kind === "user" || Object.hasOwn(body, "refresh_token")) return body;
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
      return isRequested ? moveTokensToCookies(cookies, route, result as JsonObject, responseHeaders) : result;
    },
  };
}

/** Replaces the tokens in the response, which a script could steal, by the CSRF token. */
function moveTokensToCookies(
  cookies: SessionCookies,
  { dataField }: JsonRoute | RedirectRoute,
  result: JsonObject,
  responseHeaders: string[],
): unknown {
  const data = dataField === undefined ? result : result[dataField];
  if (!hasTokens(data)) return result;
  responseHeaders.push(...cookies.set(data));
  const { access_token: _, refresh_token: __, ...rest } = data;
  const shown = { ...rest, csrf_token: cookies.csrf.token(data.session_id) };
  return dataField === undefined ? shown : { ...result, [dataField]: shown };
}

function hasTokens(data: unknown): data is SessionTokens {
  return typeof data === "object" && data !== null && "access_token" in data;
}
