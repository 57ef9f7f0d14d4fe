import * as client from "openid-client";
import { AppError } from "../../../lib/actions/errors.ts";
import { Email, FullName } from "../../../lib/actions/schemas.ts";
import type { OAuthProvider } from "../../../lib/config/oauth-providers.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { errorCodeOf, isClientRejected, providerUnavailable, toRefusal } from "./oauth-errors.ts";
import { createOidcClient, type OidcClient } from "./oidc-client.ts";

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
}

/** A person as a provider identifies them. */
export interface ProviderIdentity {
  readonly issuer: string;
  readonly sub: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
}

export interface OAuthProviders {
  readonly all: readonly OAuthProvider[];
  /** 404 for a provider that is not configured. */
  find(name: string): OAuthProvider;
  authorizeUrl(provider: OAuthProvider, secrets: StateSecrets): Promise<string>;
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
      log.warn({ provider: provider.name, error: (error as Error).message }, "OIDC discovery failed");
      throw providerUnavailable(provider, error);
    }
  };
  return {
    all: providers,
    find(name) {
      const provider = providers.find((one) => one.name === name);
      if (!provider) throw new AppError("not_found", { message: "This sign-in provider is not available." });
      return provider;
    },
    async authorizeUrl(provider, { state, nonce, verifier }) {
      const url = client.buildAuthorizationUrl(await configurationOf(provider), {
        redirect_uri: provider.redirectUri,
        scope: provider.scopes,
        state,
        ...(provider.nonce && { nonce }),
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
  configuration: client.Configuration,
  provider: OAuthProvider,
  query: CallbackQuery,
  { state, nonce, verifier }: StateSecrets,
  clock: Clock,
): Promise<ProviderIdentity> {
  const tokens = await client.authorizationCodeGrant(configuration, callbackUrl(provider, query), {
    expectedState: state,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
    ...(provider.nonce && { expectedNonce: nonce }),
  });
  const claims = tokens.claims() as client.IDToken;
  assertClaims(provider, claims, clock);
  const needsUserInfo = claims.email === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined;
  const userInfo = needsUserInfo ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : claims;
  return toIdentity(provider, claims.sub, userInfo);
}

/**
 * OpenID Connect Core section 2: a `sub` is not empty and has at most 255 ASCII characters. Everyone with an empty `sub`
 * would share one account, and PostgreSQL stores no NUL and indexes no long text.
 */
const SUBJECT = /^[\x20-\x7E]{1,255}$/;
/** The clock of a provider may be this fast. The same as `openid-client` allows for `exp` and `nbf`. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** Checks what `openid-client` does not. It has checked that the claims are present and have the right types. */
function assertClaims({ issuer }: OAuthProvider, { iss, sub, iat }: client.IDToken, clock: Clock): void {
  // Multi-tenant providers put a different issuer into each token, and their `sub` is unique only within it.
  if (withoutTrailingSlash(iss) !== issuer) throw claimRefused("iss");
  if (!SUBJECT.test(sub)) throw claimRefused("sub");
  if (iat > clock.now().getTime() / 1000 + CLOCK_TOLERANCE_SECONDS) throw claimRefused("iat");
}

function claimRefused(claim: string): AppError {
  return new AppError("oauth_failed", { cause: new Error(`The provider's ID token has an invalid ${claim}`) });
}

function callbackUrl(provider: OAuthProvider, query: CallbackQuery): URL {
  const url = new URL(provider.redirectUri);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

function toIdentity(
  { issuer }: OAuthProvider,
  sub: string,
  userInfo: Readonly<Record<string, unknown>>,
): ProviderIdentity {
  const email = Email.safeParse(userInfo.email);
  const name = FullName.safeParse(userInfo.name);
  return {
    issuer,
    sub,
    email: email.success ? email.data : null,
    // Some providers send the boolean as a string.
    emailVerified: email.success && (userInfo.email_verified === true || userInfo.email_verified === "true"),
    name: name.success ? name.data : null,
  };
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
