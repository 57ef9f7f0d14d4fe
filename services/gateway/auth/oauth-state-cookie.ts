import { readCookie } from "../http/headers.ts";
import type { RouteAdapter } from "../routes.types.ts";

/** Field of the OAuth actions' params and results that only the cookie carries, never the query, body or response. */
export const OAUTH_STATE_FIELD = "browser_binding";

const MAX_AGE_SECONDS = 600;
const MAX_LENGTH = 100;

/**
 * Binds an OAuth flow to the browser that began it: a cookie keeps the action's random value, and returns it with the
 * callback. `Lax`, because the provider's redirect is a navigation from another site; `__Host-`, so that no
 * subdomain can set it (ASVS V3.3.1).
 */
export function createOAuthStateAdapter(publicUrl: string): RouteAdapter {
  const secure = publicUrl.startsWith("https:");
  const name = secure ? "__Host-usermesh_oauth" : "usermesh_oauth";
  const attributes = `Max-Age=${MAX_AGE_SECONDS}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  return {
    params(request) {
      const value = readCookie(request, name);
      return value === undefined || value.length > MAX_LENGTH ? {} : { [OAUTH_STATE_FIELD]: value };
    },
    result(result, { responseHeaders }) {
      const { [OAUTH_STATE_FIELD]: value, ...rest } = result as { readonly [OAUTH_STATE_FIELD]?: string };
      if (value !== undefined) responseHeaders.push("Set-Cookie", `${name}=${value}; ${attributes}`);
      return rest;
    },
  };
}
