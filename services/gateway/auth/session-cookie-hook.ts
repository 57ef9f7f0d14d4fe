import { parseRefreshToken } from "../../../lib/crypto/refresh-token.ts";
import type { RouteHook } from "../api/route-hook.ts";
import type { JsonObject } from "../http/json-body.ts";
import type { SessionCookies, SessionTokens } from "./session-cookies.ts";

interface CookieRules {
  readonly sessionCookies: "set" | "clear";
  /** The action accepts a `refresh_token`. */
  readonly takesRefreshToken: boolean;
  readonly dataField: string | undefined;
}

/** Reads the refresh token from its cookie, and sets or clears the session's cookies. */
export function createSessionCookieHook(cookies: SessionCookies, rules: CookieRules): RouteHook {
  const setsCookies = rules.sessionCookies === "set";
  return {
    body(body, { request }, caller) {
      if (body.use_cookies === true) cookies.csrf.assertAllowedOrigin(request);
      if (!rules.takesRefreshToken || caller.kind === "user" || Object.hasOwn(body, "refresh_token")) return body;
      const refreshToken = cookies.refreshToken(request);
      if (refreshToken === undefined) return body;
      // A malformed token has no session to protect; the action rejects it.
      const session = parseRefreshToken(refreshToken);
      if (session) cookies.csrf.assertNotForged(request, session.sessionId);
      return { ...body, refresh_token: refreshToken, ...(setsCookies && { use_cookies: true }) };
    },
    result(result, { request, responseHeaders }, params) {
      if (setsCookies) return moveTokensToCookies(cookies, rules, { result, params, responseHeaders });
      if (request.headers.cookie !== undefined) responseHeaders.push(...cookies.clear());
      return result;
    },
  };
}

interface Outcome {
  readonly result: unknown;
  readonly params: JsonObject;
  readonly responseHeaders: string[];
}

/** If the client has asked for cookies, the response contains the CSRF token instead of tokens that a script could steal. */
function moveTokensToCookies(
  cookies: SessionCookies,
  { dataField }: CookieRules,
  { result, params, responseHeaders }: Outcome,
): unknown {
  // For an OAuth callback it is in the result, because the provider's redirect does not repeat the client's request.
  const isRequested = params.use_cookies === true || (result as JsonObject).use_cookies === true;
  const data = dataField === undefined ? result : (result as JsonObject)[dataField];
  if (!isRequested || !hasTokens(data)) return result;
  responseHeaders.push(...cookies.set(data));
  const { access_token: _, refresh_token: __, ...rest } = data;
  const shown = { ...rest, csrf_token: cookies.csrf.token(data.session_id) };
  return dataField === undefined ? shown : { ...(result as JsonObject), [dataField]: shown };
}

function hasTokens(data: unknown): data is SessionTokens {
  return typeof data === "object" && data !== null && "access_token" in data;
}
