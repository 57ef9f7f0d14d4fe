import { readCookie } from "../http/headers.ts";
import type { BindingCookie, RouteAdapter } from "../routes.types.ts";

/** `field` of the action's params and result is carried by the cookie only, never by query, body or response. */
const bindingCookies = {
  /** Binds an OAuth flow to the browser that began it. */
  oauth: { name: "usermesh_oauth", field: "browser_binding", seconds: 600 },
  /** Recognizes the browser that registered an account when its owner opens the link in the verification mail. */
  registration: { name: "usermesh_registration", field: "registration_binding", seconds: 86_400 },
} as const satisfies Readonly<Record<BindingCookie, object>>;

const MAX_LENGTH = 100;

export function bindingField(cookie: BindingCookie): string {
  return bindingCookies[cookie].field;
}

/**
 * Keeps an action's value in the browser, and returns it with later requests. `Lax`, because a provider's redirect is a
 * navigation from another site; `__Host-`, so that no subdomain can set it (ASVS V3.3.1).
 */
export function createBindingAdapter(
  publicUrl: string,
  cookie: BindingCookie,
  paramNames: readonly string[],
): RouteAdapter {
  const { name: bareName, field, seconds } = bindingCookies[cookie];
  const secure = publicUrl.startsWith("https:");
  const name = secure ? `__Host-${bareName}` : bareName;
  const attributes = `Max-Age=${seconds}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  return {
    params(request) {
      const value = paramNames.includes(field) ? readCookie(request, name) : undefined;
      return value === undefined || value.length > MAX_LENGTH ? {} : { [field]: value };
    },
    result(result, { responseHeaders }) {
      const { [field]: value, ...rest } = result as Readonly<Record<string, unknown>>;
      if (typeof value === "string") responseHeaders.push("Set-Cookie", `${name}=${value}; ${attributes}`);
      return rest;
    },
  };
}
