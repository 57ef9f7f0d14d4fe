import * as client from "openid-client";
import { AppError } from "../../../lib/actions/errors.ts";
import { Email, FullName } from "../../../lib/actions/schemas.ts";
import type { OAuthProvider } from "../../../lib/config/oauth-providers.ts";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";

/** What is derived from a state, and binds the provider's answer to it. */
export interface StateSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** The query that the provider sent the browser back with. */
export interface CallbackQuery {
  readonly state: string;
  readonly code?: string | undefined;
  readonly iss?: string | undefined;
  readonly error?: string | undefined;
}

/** Who somebody is, by the word of a provider. */
export interface ProviderIdentity {
  readonly issuer: string;
  readonly sub: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
}

export interface OAuthProviders {
  readonly all: readonly OAuthProvider[];
  /** 404 for one that is not configured. */
  find(name: string): OAuthProvider;
  authorizeUrl(provider: OAuthProvider, secrets: StateSecrets): Promise<string>;
  /** 400 `oauth_failed` for all that is not as it must be, 503 where the provider is away. */
  redeem(provider: OAuthProvider, answer: CallbackQuery, secrets: StateSecrets): Promise<ProviderIdentity>;
}

/** Of each request. A callback makes up to four, and must be answered in 10 s. */
const TIMEOUT_SECONDS = 2.5;
const DISCOVERY_MS = 3_600_000;

type Deps = Pick<Platform, "config" | "clock" | "log">;

/** OpenID Connect by `openid-client`. The provider's tokens are looked at once and not kept: nothing here needs them. */
export function createOAuthProviders({ config, clock, log }: Deps): OAuthProviders {
  const { providers } = config.oauth;
  const clients = new Map(providers.map((one) => [one.name, createClient(one, clock)]));
  const clientOf = (provider: OAuthProvider) => clients.get(provider.name) as ProviderClient;
  const reach = async (provider: OAuthProvider) => {
    try {
      return await clientOf(provider).get();
    } catch (error) {
      log.warn({ provider: provider.name, error: (error as Error).message }, "OIDC discovery failed");
      throw away(provider, error);
    }
  };
  return {
    all: providers,
    find(name) {
      const found = providers.find((one) => one.name === name);
      if (!found) throw new AppError("not_found", { message: "This sign-in provider is not available." });
      return found;
    },
    async authorizeUrl(provider, { state, nonce, verifier }) {
      const url = client.buildAuthorizationUrl(await reach(provider), {
        redirect_uri: provider.redirectUri,
        scope: provider.scopes,
        state,
        ...(provider.nonce && { nonce }),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      return url.href;
    },
    async redeem(provider, answer, secrets) {
      const attempt = async () => redeem(await reach(provider), provider, answer, secrets);
      try {
        return await attempt().catch((error: unknown) => {
          if (!isClientRefused(error) || !clientOf(provider).authenticateAnotherWay()) throw error;
          return attempt();
        });
      } catch (error) {
        if (error instanceof AppError) throw error;
        const refusal = isAway(error) ? away(provider, error) : refused(error);
        // Not the error whole: it holds the provider's answer.
        log.warn({ provider: provider.name, code: codeOf(error), refusal: refusal.type }, "provider sign-in failed");
        throw refusal;
      }
    },
  };
}

interface ProviderClient {
  get(): Promise<client.Configuration>;
  /** False where it was tried before. */
  authenticateAnotherWay(): boolean;
}

/** Discovered when it is first needed and once an hour; a failure is not kept, and what is known outlives it. */
function createClient(provider: OAuthProvider, clock: Clock): ProviderClient {
  let known: client.Configuration | undefined;
  let until = Number.NEGATIVE_INFINITY;
  let running: Promise<client.Configuration> | undefined;
  let switched = false;
  const discover = async () => {
    try {
      known = await discovered(provider, switched);
      until = clock.monotonic() + DISCOVERY_MS;
      return known;
    } catch (error) {
      if (known) return known;
      throw error;
    } finally {
      running = undefined;
    }
  };
  return {
    async get() {
      if (known && clock.monotonic() < until) return known;
      running ??= discover();
      return running;
    },
    authenticateAnotherWay() {
      if (switched || provider.clientSecret === undefined) return false;
      switched = true;
      until = Number.NEGATIVE_INFINITY;
      return true;
    },
  };
}

/** Config lets an issuer speak http outside production alone. ID tokens are checked by their signature, TLS or not. */
async function discovered(provider: OAuthProvider, switched: boolean): Promise<client.Configuration> {
  const { discovery, clientId, clientSecret } = provider;
  const insecure = discovery.startsWith("http:") ? [client.allowInsecureRequests] : [];
  const found = await client.discovery(new URL(discovery), clientId, undefined, client.None(), {
    timeout: TIMEOUT_SECONDS,
    execute: insecure,
  });
  const metadata = found.serverMetadata();
  const authentication = authenticationOf(clientSecret, metadata, switched);
  const configuration = new client.Configuration(metadata, clientId, {}, authentication);
  configuration.timeout = TIMEOUT_SECONDS;
  for (const extend of [...insecure, client.enableNonRepudiationChecks]) extend(configuration);
  return configuration;
}

/** What a provider lists is not always what it has registered for us: one that refuses us is asked the other way, once. */
function authenticationOf(
  secret: string | undefined,
  metadata: client.ServerMetadata,
  switched: boolean,
): client.ClientAuth {
  if (secret === undefined) return client.None();
  // OpenID Connect Discovery section 3: where the metadata don't say, it is client_secret_basic.
  const methods = metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const basic = methods.includes("client_secret_basic") !== switched;
  return basic ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}

async function redeem(
  configuration: client.Configuration,
  provider: OAuthProvider,
  answer: CallbackQuery,
  { state, nonce, verifier }: StateSecrets,
): Promise<ProviderIdentity> {
  const tokens = await client.authorizationCodeGrant(configuration, addressOf(provider, answer), {
    expectedState: state,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
    ...(provider.nonce && { expectedNonce: nonce }),
  });
  const claims = tokens.claims() as client.IDToken;
  const asked = claims.email === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined;
  const told = asked ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : claims;
  // Providers of many issuers put another one into each token: a `sub` of theirs would not be one person's.
  if (withoutSlash(claims.iss) !== provider.issuer) throw new AppError("oauth_failed");
  return identityOf(provider, claims.sub, told);
}

function addressOf(provider: OAuthProvider, answer: CallbackQuery): URL {
  const url = new URL(provider.redirectUri);
  for (const [name, value] of Object.entries(answer)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

function identityOf({ issuer }: OAuthProvider, sub: string, told: Readonly<Record<string, unknown>>): ProviderIdentity {
  const email = Email.safeParse(told.email);
  const name = FullName.safeParse(told.name);
  return {
    issuer,
    sub,
    email: email.success ? email.data : null,
    // Some say it in a string.
    emailVerified: email.success && (told.email_verified === true || told.email_verified === "true"),
    name: name.success ? name.data : null,
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

function isClientRefused(error: unknown): boolean {
  if (error instanceof client.WWWAuthenticateChallengeError) return error.status === 401;
  return error instanceof client.ResponseBodyError && error.error === "invalid_client";
}

function isAway(error: unknown): boolean {
  if (error instanceof TypeError) return true;
  if (!(error instanceof client.ClientError)) return false;
  return ["OAUTH_TIMEOUT", "OAUTH_ABORT", "OAUTH_RESPONSE_IS_NOT_CONFORM", undefined].includes(error.code);
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError)
    return error.error;
  return (error as { code?: string }).code;
}

function refused(error: unknown): AppError {
  const declined = error instanceof client.AuthorizationResponseError && error.error === "access_denied";
  return new AppError("oauth_failed", {
    cause: error,
    ...(declined && { message: "The sign-in was cancelled at the provider. Nothing has changed." }),
  });
}

function away({ name }: OAuthProvider, cause: unknown): AppError {
  return new AppError("service_unavailable", {
    message: `The provider ${name} is not responding. Try again or sign in another way.`,
    retry_after: 5,
    cause,
  });
}
