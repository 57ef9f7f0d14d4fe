import * as client from "openid-client";
import { AppError } from "../../../lib/actions/errors.ts";
import { Email, FullName } from "../../../lib/actions/schemas.ts";
import type { OAuthProvider } from "../../../lib/config/oauth-providers.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { grantOfTenant } from "./many-issuers.ts";
import { errorCodeOf, isClientRejected, providerUnavailable, toRefusal } from "./oauth-errors.ts";
import { type Configure, createOidcClient, type OidcClient } from "./oidc-client.ts";

/** Values that bind the provider's response to one authorization request. `nonce` and `verifier` are derived from `state`. */
export interface StateSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Query parameters of the provider's redirect to our callback. */
export interface CallbackQuery {
  readonly state?: string | undefined;
  readonly code?: string | undefined;
  readonly iss?: string | undefined;
  readonly error?: string | undefined;
  /** JSON with the person's name, as Apple sends it. */
  readonly user?: string | undefined;
}

/** A person as a provider identifies them. */
export interface ProviderIdentity {
  readonly issuer: string;
  readonly sub: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
  /** The claim as it came: `pictureOf` decides whether it is used. */
  readonly picture: unknown;
  /** When the provider authenticated the person, in seconds; 0 if it does not say. */
  readonly authTime: number;
}

export interface OAuthProviders {
  readonly all: readonly OAuthProvider[];
  /** 404 for a provider that is not configured. */
  find(name: string): OAuthProvider;
  /** With `stepUp`, the provider is asked to authenticate the person again. */
  authorizeUrl(provider: OAuthProvider, secrets: StateSecrets, stepUp: boolean): Promise<string>;
  /** Exchanges the callback's code. 400 `oauth_failed` if anything is wrong, 503 if the provider does not respond. */
  redeem(provider: OAuthProvider, query: CallbackQuery, secrets: StateSecrets): Promise<ProviderIdentity>;
}

/** Sign-in with OpenID Connect providers by `openid-client`. The provider's tokens are read once and not stored. */
export function createOAuthProviders({
  config,
  clock,
  log,
}: Pick<Platform, "config" | "clock" | "log">): OAuthProviders {
  const { providers } = config.oauth;
  const clients = new Map(providers.map((provider) => [provider.name, createOidcClient(provider, clock)]));
  const clientOf = (provider: OAuthProvider) => clients.get(provider.name) as OidcClient;
  const configurationOf = async (provider: OAuthProvider) => {
    try {
      return await clientOf(provider).configuration();
    } catch (error) {
      const refusal = error instanceof AppError ? error : providerUnavailable(provider, error);
      log.warn({ provider: provider.name, error: (refusal.cause as Error).message }, "OIDC discovery failed");
      throw refusal;
    }
  };
  return {
    all: providers,
    find(name) {
      const provider = providers.find((one) => one.name === name);
      if (!provider) throw new AppError("not_found", { message: "This sign-in provider is not available." });
      return provider;
    },
    async authorizeUrl(provider, { state, nonce, verifier }, stepUp) {
      const configuration = (await configurationOf(provider))();
      const url = client.buildAuthorizationUrl(configuration, {
        ...(stepUp && stepUpParams(configuration)),
        redirect_uri: provider.redirectUri,
        scope: provider.scopes,
        state,
        ...(provider.nonce && { nonce }),
        ...(provider.responseMode !== "query" && { response_mode: provider.responseMode }),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      return url.href;
    },
    async redeem(provider, query, secrets) {
      const attempt = async () => readIdentity(await configurationOf(provider), provider, query, secrets, clock);
      try {
        return await attempt().catch((error: unknown) => {
          if (!isClientRejected(error) || !clientOf(provider).switchAuthentication()) throw error;
          return attempt();
        });
      } catch (error) {
        if (error instanceof AppError) throw error;
        const refusal = toRefusal(provider, error);
        // Never the whole error: it contains the provider's response.
        const details = { provider: provider.name, code: errorCodeOf(error), refusal: refusal.type };
        log.warn(details, "provider sign-in failed");
        throw refusal;
      }
    },
  };
}

async function readIdentity(
  configure: Configure,
  provider: OAuthProvider,
  query: CallbackQuery,
  { state, nonce, verifier }: StateSecrets,
  clock: Clock,
): Promise<ProviderIdentity> {
  const configuration = configure();
  const { user: _, ...returned } = query;
  const tokens = await grantOfTenant(provider, configure, (exact) =>
    client.authorizationCodeGrant(exact, callbackUrl(provider, returned), {
      expectedState: state,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
      ...(provider.nonce && { expectedNonce: nonce }),
    }),
  );
  const claims = tokens.claims() as client.IDToken;
  assertClaims(claims, clock);
  const needsUserInfo = claims.email === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined;
  const userInfo = needsUserInfo ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : claims;
  return toIdentity(provider, claims, { name: nameOf(query), ...userInfo });
}

/**
 * OpenID Connect Core section 3.1.2.1. `max_age` also makes the provider report `auth_time`. `prompt` is left out if the
 * provider's metadata list its values without `login`.
 */
function stepUpParams(configuration: client.Configuration): Record<string, string> {
  const { prompt_values_supported: prompts } = configuration.serverMetadata();
  const knowsLogin = !Array.isArray(prompts) || prompts.includes("login");
  return { max_age: "0", ...(knowsLogin && { prompt: "login" }) };
}

/**
 * OpenID Connect Core section 2: a `sub` is not empty and has at most 255 ASCII characters. Everyone with an empty `sub`
 * would share one account, and PostgreSQL stores no NUL and indexes no long text.
 */
const SUBJECT = /^[\x20-\x7E]{1,255}$/;
/** The clock of a provider may be this fast. The same as `openid-client` allows for `exp` and `nbf`. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** Checks what `openid-client` does not. It has checked that the claims are present and have the right types. */
function assertClaims({ sub, iat, auth_time }: client.IDToken, clock: Clock): void {
  const latest = clock.now().getTime() / 1000 + CLOCK_TOLERANCE_SECONDS;
  if (!SUBJECT.test(sub)) throw claimRefused("sub");
  if (iat > latest) throw claimRefused("iat");
  if (auth_time !== undefined && !(Number.isFinite(auth_time) && auth_time >= 0 && auth_time <= latest))
    throw claimRefused("auth_time");
}

function claimRefused(claim: string): AppError {
  return new AppError("oauth_failed", { cause: new Error(`The provider's ID token has an invalid ${claim}`) });
}

/**
 * Sign in with Apple has no claim for the name: it is a field of the response, only at the first sign-in, and unsigned like
 * everything that a browser brings. So it is only a suggestion for a new account.
 */
function nameOf({ user }: CallbackQuery): string | undefined {
  try {
    const { firstName, lastName } = JSON.parse(user ?? "null").name;
    return [firstName, lastName].filter((part) => typeof part === "string").join(" ");
  } catch {
    return undefined;
  }
}

/** Our callback with what the provider has returned. */
export function callbackUrl(provider: OAuthProvider, query: CallbackQuery): URL {
  const url = new URL(provider.redirectUri);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

/** A `sub` is unique within its issuer only: with many issuers the tenant is part of the identity. */
function subjectOf({ tenants }: OAuthProvider, { sub, tid }: client.IDToken): string {
  return tenants === null ? sub : `${tid}/${sub}`;
}

/** Configuration can trust a provider that says nothing about an address, but not one that says it is unverified. */
function isEmailVerified({ trustEmail }: OAuthProvider, verified: unknown): boolean {
  // Some providers send the boolean as a string.
  return verified === true || verified === "true" || (trustEmail && verified === undefined);
}

function toIdentity(
  provider: OAuthProvider,
  claims: client.IDToken,
  userInfo: Readonly<Record<string, unknown>>,
): ProviderIdentity {
  const email = Email.safeParse(userInfo.email);
  const name = FullName.safeParse(userInfo.name);
  return {
    issuer: provider.issuer,
    sub: subjectOf(provider, claims),
    email: email.success ? email.data : null,
    emailVerified: email.success && isEmailVerified(provider, userInfo.email_verified),
    name: name.success ? name.data : null,
    picture: userInfo.picture,
    authTime: Math.floor(claims.auth_time ?? 0),
  };
}
