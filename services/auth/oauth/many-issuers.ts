import { decodeJwt } from "jose";
import * as client from "openid-client";
import { AppError } from "../../../lib/actions/errors.ts";
import type { OAuthProvider } from "../../../lib/config/oauth-providers.ts";

/**
 * Microsoft Entra has an issuer for each tenant. The metadata of `organizations` and `common` have a template instead, such
 * as `https://login.microsoftonline.com/{tenantid}/v2.0`, and the claim `tid` of an ID token fills it.
 */
const PLACEHOLDER = "{tenantid}";
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether this issuer in the metadata is the provider's own or, if it has tenants, the template of its tenants' issuers. */
export function isIssuerOf({ discovery, tenants }: OAuthProvider, issuer: string): boolean {
  const expected = withoutEndSlash(discovery);
  if (withoutEndSlash(issuer) === expected) return true;
  const [before = "", after, ...more] = issuer.split(PLACEHOLDER);
  const isTemplate = tenants !== null && after !== undefined && more.length === 0;
  return isTemplate && expected.startsWith(before) && expected.endsWith(withoutEndSlash(after));
}

/**
 * Runs a grant whose ID token is from one of the provider's tenants. The library needs the expected issuer in advance, so it
 * is derived from the `tid` of the unverified token; then the library verifies the signature and the issuer. Rejects with
 * 400 `oauth_failed` for a tenant that is not allowed.
 */
export async function grantOfTenant<T>(
  provider: OAuthProvider,
  configure: (issuer?: string) => client.Configuration,
  grant: (configuration: client.Configuration) => Promise<T>,
): Promise<T> {
  const configuration = configure();
  const { issuer: template, token_endpoint } = configuration.serverMetadata();
  if (!template.includes(PLACEHOLDER)) return grant(configuration);
  let answer: Response | undefined;
  configuration[client.customFetch] = async (url, options) => {
    const response = await fetch(url, options as RequestInit);
    if (url === token_endpoint) answer = response.clone();
    return response;
  };
  const refusal = await grant(configuration).then(
    () => new Error("A template is not an issuer"),
    (error: unknown) => error,
  );
  const tid = await tenantOf(answer);
  if (tid === undefined) throw refusal;
  assertAllowed(provider, tid);
  const exact = configure(template.replace(PLACEHOLDER, tid));
  exact[client.customFetch] = async (url, options) =>
    url === token_endpoint && answer ? answer : fetch(url, options as RequestInit);
  return grant(exact);
}

/** The claim `tid` of an ID token that is not verified yet. Undefined if the response has none. */
async function tenantOf(answer: Response | undefined): Promise<string | undefined> {
  try {
    const { id_token } = (await (answer as Response).clone().json()) as { readonly id_token: string };
    const { tid } = decodeJwt(id_token);
    return typeof tid === "string" ? tid : undefined;
  } catch {
    return undefined;
  }
}

function assertAllowed({ tenants }: OAuthProvider, tid: string): void {
  if (UUID.test(tid) && (tenants === "any" || tenants?.includes(tid))) return;
  throw new AppError("oauth_failed", {
    message: "Accounts of your organization can't be used here.",
    cause: new Error("The ID token is from a tenant that OAUTH_<NAME>_TENANTS does not list"),
  });
}

function withoutEndSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
