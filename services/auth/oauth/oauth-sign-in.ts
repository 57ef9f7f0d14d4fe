import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError, publicCode } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { encode } from "../../../lib/crypto/base64url.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { completeSignIn } from "../sign-in/complete-sign-in.ts";
import { recordRefusedProviderSignIn } from "../sign-in/refused-sign-in.ts";
import { insertCode, type LinkingUser } from "./oauth.repo.ts";
import { deferLink, finishLink } from "./oauth-link.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";
import { type CallbackState, hashSecret, spendCallbackState, startAuthorization } from "./oauth-state.ts";
import { resolveAccount } from "./resolve-account.ts";

type Callback = ActionContext<ParamsOf<typeof authContract, "oauthCallback">>;
type Result = ResultOf<typeof authContract, "oauthCallback">;

/** Starts a sign-in: returns the provider's URL and the value that binds the flow to the browser. */
export async function startOAuth(
  deps: AuthDeps,
  ctx: ActionContext<ParamsOf<typeof authContract, "oauthStart">>,
): Promise<ResultOf<typeof authContract, "oauthStart">> {
  const { params } = ctx;
  const provider = deps.oauth.find(params.provider);
  const tenant = params.tenant ?? requestedTenant(ctx.caller);
  // Reports an unknown tenant now, and not after the user has signed in at the provider.
  await ctx.call("users.findForSignIn", { tenant });
  return startAuthorization(deps, ctx, {
    provider,
    tenant,
    returnTo: params.return_to,
    useCookies: params.use_cookies === "true",
    clientState: params.state ?? null,
    codeChallenge: params.code_challenge ?? null,
    stepUp: params.step_up === "true",
    browserBinding: params.browser_binding,
    linkingUser: null,
  });
}

/**
 * Handles the provider's redirect. An invalid state is refused directly, since nothing in the request can be trusted.
 * If the client gave a `return_to`, later errors redirect to it with the parameter `error`.
 */
export async function finishOAuth(deps: AuthDeps, ctx: Callback): Promise<Result> {
  const { browser_binding: browserBinding, provider: name, ...query } = ctx.params;
  const provider = deps.oauth.find(name);
  const state = await spendCallbackState(deps, ctx, { provider, state: query.state, browserBinding });
  let identity: ProviderIdentity | null = null;
  try {
    identity = await deps.oauth.redeem(provider, query, state.secrets);
    return state.linking_user
      ? await linkIdentity(deps, ctx, state, state.linking_user, identity)
      : await signIn(deps, ctx, state, identity);
  } catch (error) {
    if (!state.linking_user)
      recordRefusedProviderSignIn(deps, ctx, { tenant: state.tenant, provider: name, identity }, error);
    if (state.return_to === null || !(error instanceof AppError)) throw error;
    return redirectTo(state.return_to, state, { error: publicCode(error.type) });
  }
}

/**
 * Signs in. A browser that keeps its session in cookies, and a client without a `return_to`, get the tokens now. Any other
 * client gets a one-time code, so that no token appears in a URL.
 */
async function signIn(
  deps: AuthDeps,
  ctx: Callback,
  state: CallbackState,
  identity: ProviderIdentity,
): Promise<Result> {
  const { return_to: returnTo, use_cookies, code_challenge } = state;
  const { account, epoch } = await resolveAccount(deps, ctx, state.tenant, identity);
  if (!account.is_active) throw new AppError("account_disabled");
  if (!account.is_verified && (deps.config.auth.requireVerifiedEmail || (await isHidden(ctx, account.id))))
    throw new AppError("email_not_verified");
  const signedIn = { user_id: account.id, tenant_id: account.tenant_id, epoch, auth_time: identity.authTime };
  if (returnTo === null || use_cookies) {
    const replaces = use_cookies ? ctx.params.replaced_refresh_token : undefined;
    const outcome = await completeSignIn(deps, ctx, { ...signedIn, amr: ["fed"], device_name: null, replaces });
    return { location: returnTo === null ? null : withParams(returnTo, state, {}), outcome, use_cookies };
  }
  const code = encode(deps.random.bytes(32));
  const browser_hash = hashSecret(ctx.params.browser_binding ?? "");
  await insertCode(deps.db, { ...signedIn, hash: hashSecret(code), browser_hash, code_challenge, link: null });
  return redirectTo(returnTo, state, { code });
}

/** Such an account may not be signed in to before its address is verified, whatever the installation requires. */
async function isHidden({ call }: Callback, id: string): Promise<boolean> {
  return (await call("users.signInView", { id }))?.is_hidden ?? true;
}

/** Links the identity now, or with a `return_to` when the session that started the link exchanges the code. */
async function linkIdentity(
  deps: AuthDeps,
  ctx: Callback,
  state: CallbackState,
  user: LinkingUser,
  identity: ProviderIdentity,
): Promise<Result> {
  if (state.return_to === null)
    return { location: null, outcome: await finishLink(deps, ctx, state, user, identity), use_cookies: false };
  const code = encode(deps.random.bytes(32));
  await deferLink(deps, state, user, identity, hashSecret(code));
  return redirectTo(state.return_to, state, { code });
}

type ReturnParams = { readonly code: string } | { readonly error: string } | Record<string, never>;

function redirectTo(returnTo: string, state: CallbackState, params: ReturnParams): Result {
  return { location: withParams(returnTo, state, params), outcome: null, use_cookies: false };
}

function withParams(returnTo: string, { client_state: state }: CallbackState, params: ReturnParams): string {
  const all = Object.entries({ ...params, ...(state !== null && { state }) });
  if (all.length === 0) return returnTo;
  const url = new URL(returnTo);
  for (const [name, value] of all) url.searchParams.set(name, value);
  return url.href;
}
