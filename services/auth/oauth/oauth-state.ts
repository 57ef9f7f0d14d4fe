import { createHash } from "node:crypto";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { OAuthProvider } from "../../../lib/config/oauth-providers.ts";
import { encode } from "../../../lib/crypto/base64url.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import type { AuthDeps } from "../dependencies.ts";
import { insertState, type LinkingUser, type SpentState, spendState } from "./oauth.repo.ts";
import type { StateSecrets } from "./oauth-providers.ts";

type StateDeps = Pick<AuthDeps, "db" | "ring" | "random" | "config" | "oauth">;

interface AuthorizationRequest {
  readonly provider: OAuthProvider;
  /** Slug; empty if `linkingUser` is given, which has the tenant's id. */
  readonly tenant: string;
  readonly returnTo: string | undefined;
  readonly useCookies: boolean;
  readonly clientState: string | null;
  readonly codeChallenge: string | null;
  /** The provider must authenticate the person again. */
  readonly stepUp: boolean;
  /** Value of the browser's OAuth cookie, if it sent one. */
  readonly browserBinding: string | undefined;
  /** Null for a sign-in. */
  readonly linkingUser: LinkingUser | null;
}

export interface Authorization {
  /** The provider's authorization endpoint with our parameters. */
  readonly location: string;
  /** Value for the browser's OAuth cookie. */
  readonly browser_binding: string;
}

export interface CallbackState extends SpentState {
  readonly secrets: StateSecrets;
}

/** 32 random bytes in base64url, as we generate them. A cookie with any other value is replaced. */
const RANDOM_VALUE = /^[\w-]{43}$/;

/**
 * Starts an authorization request, with PKCE, state and nonce. All requests that a browser starts within 10 minutes share
 * one cookie value, so that two tabs do not break each other's sign-in.
 */
export async function startAuthorization(
  deps: StateDeps,
  ctx: Pick<ActionContext, "client">,
  request: AuthorizationRequest,
): Promise<Authorization> {
  const { provider, tenant, returnTo, linkingUser, browserBinding = "" } = request;
  assertReturnUrlAllowed(deps.config.oauth.returnUrls, returnTo);
  const state = encode(deps.random.bytes(32));
  const kid = deps.ring.active;
  const binding = RANDOM_VALUE.test(browserBinding) ? browserBinding : encode(deps.random.bytes(32));
  const location = await deps.oauth.authorizeUrl(provider, secretsOf(deps.ring, kid, state), request.stepUp);
  await insertState(deps.db, {
    hash: hashSecret(state),
    kid,
    provider: provider.name,
    tenant,
    browser_hash: hashSecret(binding),
    address_hash: hashAddress(state, ctx),
    return_to: returnTo ?? null,
    use_cookies: request.useCookies,
    client_state: request.clientState,
    code_challenge: request.codeChallenge,
    linking_user: linkingUser,
  });
  return { location, browser_binding: binding };
}

/**
 * Spends the state of a callback. 400 `oauth_state_invalid` if it is missing, spent or expired, or belongs to another
 * provider or browser.
 */
export async function spendCallbackState(
  { db, ring }: Pick<StateDeps, "db" | "ring">,
  ctx: Pick<ActionContext, "client">,
  callback: {
    readonly provider: OAuthProvider;
    readonly state: string | undefined;
    readonly browserBinding: string | undefined;
  },
): Promise<CallbackState> {
  const { provider, state = "", browserBinding = "" } = callback;
  const spent = await spendState(db, {
    hash: hashSecret(state),
    provider: provider.name,
    browser_hash: hashSecret(browserBinding),
    address_hash: hashAddress(state, ctx),
  });
  if (!spent) throw new AppError("oauth_state_invalid");
  return { ...spent, secrets: secretsOf(ring, spent.kid, state) };
}

/** Hash of a value with 256 random bits, which needs neither salt nor key. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

/** Salted with the state, because client addresses are guessable. */
function hashAddress(state: string, { client }: Pick<ActionContext, "client">): string {
  return hashSecret(JSON.stringify([state, client.ip]));
}

/** Compares exactly (RFC 9700 section 4.1): otherwise an attacker's URL that looks similar could receive the code. */
function assertReturnUrlAllowed(allowed: readonly string[], returnTo: string | undefined): void {
  if (returnTo === undefined || allowed.includes(returnTo)) return;
  throw fieldError("return_to", "not_allowed", "is not an allowed return URL");
}

/** Nonce and verifier are derived from the state, so that they need not be stored. RFC 7636 requires a verifier of at least 43 characters. */
function secretsOf(ring: KeyRing, kid: string, state: string): StateSecrets {
  const derive = (use: string) => encode(ring.mac("otp", JSON.stringify(["oauth", use, state]), kid));
  return { state, nonce: derive("nonce"), verifier: derive("verifier") };
}
