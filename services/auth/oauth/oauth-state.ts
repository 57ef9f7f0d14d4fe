import { createHash } from "node:crypto";
import { AppError, fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { OAuthProvider } from "../../../lib/config/oauth-providers.ts";
import { encode } from "../../../lib/crypto/base64url.ts";
import type { KeyRing } from "../../../lib/crypto/key-ring.ts";
import type { AuthDeps } from "../dependencies.ts";
import { insertState, type Linker, type SpentState, spendState } from "./oauth.repo.ts";
import type { StateSecrets } from "./oauth-providers.ts";

type StateDeps = Pick<AuthDeps, "db" | "ring" | "random" | "config" | "oauth">;

interface Beginning {
  readonly provider: OAuthProvider;
  /** Slug. */
  readonly tenant: string;
  readonly returnTo: string | undefined;
  readonly useCookies: boolean;
  /** What the browser's cookie says, if it has one. */
  readonly browser: string | undefined;
  readonly linker: Linker | null;
}

export interface Authorization {
  readonly location: string;
  readonly browser: string;
}

export interface ConsumedState extends SpentState {
  readonly secrets: StateSecrets;
}

const SECRET = /^[\w-]{43}$/;

/** One cookie for all that a browser begins within its ten minutes: two tabs don't end each other's sign-in. */
export async function createState(
  deps: StateDeps,
  ctx: Pick<ActionContext, "client">,
  beginning: Beginning,
): Promise<Authorization> {
  const { provider, tenant, returnTo, useCookies, linker } = beginning;
  assertSameReturn(deps.config.oauth.returnUrls, returnTo);
  const state = encode(deps.random.bytes(32));
  const kid = deps.ring.active;
  const known = beginning.browser !== undefined && SECRET.test(beginning.browser);
  const browser = known ? (beginning.browser as string) : encode(deps.random.bytes(32));
  const location = await deps.oauth.authorizeUrl(provider, secretsOf(deps.ring, kid, state));
  await insertState(deps.db, {
    hash: hashSecret(state),
    kid,
    provider: provider.name,
    tenant,
    browser_hash: hashSecret(browser),
    address_hash: hashSecret(JSON.stringify([state, ctx.client.ip])),
    return_to: returnTo ?? null,
    use_cookies: useCookies,
    linker,
  });
  return { location, browser };
}

/** 400 `oauth_state_invalid` for one that is missing, spent, outdated, another provider's or another browser's. */
export async function consumeState(
  { db, ring }: Pick<StateDeps, "db" | "ring">,
  ctx: Pick<ActionContext, "client">,
  back: { readonly provider: OAuthProvider; readonly state: string | undefined; readonly browser: string | undefined },
): Promise<ConsumedState> {
  const { provider, state = "", browser = "" } = back;
  const spent = await spendState(db, {
    hash: hashSecret(state),
    provider: provider.name,
    browser_hash: hashSecret(browser),
    address_hash: hashSecret(JSON.stringify([state, ctx.client.ip])),
  });
  if (!spent) throw new AppError("oauth_state_invalid");
  return { ...spent, secrets: secretsOf(ring, spent.kid, state) };
}

/** Of 256 random bits, so that no key is needed to keep them secret. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

/** RFC 9700 section 4.1: compared letter by letter, or a look-alike would get the code. */
function assertSameReturn(allowed: readonly string[], returnTo: string | undefined): void {
  if (returnTo === undefined || allowed.includes(returnTo)) return;
  throw fieldError("return_to", "not_allowed", "is not an allowed return URL");
}

/** Derived, so that the table holds none of them. 43 characters, as RFC 7636 wants of a verifier. */
function secretsOf(ring: KeyRing, kid: string, state: string): StateSecrets {
  const derive = (use: string) => encode(ring.mac("otp", JSON.stringify(["oauth", use, state]), kid));
  return { state, nonce: derive("nonce"), verifier: derive("verifier") };
}
