import { request } from "../app/api-client.ts";
import { readReturnTo } from "../app/return-to.ts";
import { rememberExpiry } from "../app/session.ts";

/** Links to a tenant's sign-in pages name it: `/login?tenant=acme`. */
export function tenantHeader(): Readonly<Record<string, string>> {
  const tenant = new URLSearchParams(location.search).get("tenant");
  return tenant === null ? {} : { "X-Tenant": tenant };
}

/** Signs in, and leaves for the page that the reader wanted. Resolves only if the browser does not leave. */
export async function enterWithPassword(
  name: { readonly email: string } | { readonly username: string },
  password: string,
): Promise<boolean> {
  const body = { ...name, password, use_cookies: true };
  const { data } = await request<{ expires_in: number }>("POST", "auth/login", { body, headers: tenantHeader() });
  rememberExpiry(data);
  location.assign(readReturnTo());
  // The button stays busy until the browser has left.
  return new Promise(() => undefined);
}
