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
    return redirectTo(state.return_to, "error", publicCode(error.type));
  }
}

/**
 * Signs in. A browser that keeps its session in cookies, and a client without a `return_to`, get the tokens now. Any other
 * client gets a one-time code, so that no token appears in a URL.
 */
async function signIn(
  deps: AuthDeps,
  ctx: Callback,
  { tenant, return_to: returnTo, use_cookies }: CallbackState,
  identity: ProviderIdentity,
): Promise<Result> {
  const { account, epoch } = await resolveAccount(deps, ctx, tenant, identity);
  if (!account.is_active) throw new AppError("account_disabled");
  if (!account.is_verified && deps.config.auth.requireVerifiedEmail) throw new AppError("email_not_verified");
  const { id: user_id, tenant_id } = account;
  if (returnTo === null || use_cookies) {
    const authenticated = { user_id, tenant_id, epoch, amr: ["fed"], device_name: null };
    return { location: returnTo, outcome: await completeSignIn(deps, ctx, authenticated), use_cookies };
  }
  const code = encode(deps.random.bytes(32));
  const browser_hash = hashSecret(ctx.params.browser_binding ?? "");
  await insertCode(deps.db, { hash: hashSecret(code), user_id, tenant_id, epoch, browser_hash, link: null });
  return redirectTo(returnTo, "code", code);
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
  return redirectTo(state.return_to, "code", code);
}

function redirectTo(returnTo: string, name: "code" | "error", value: string): Result {
  const url = new URL(returnTo);
  url.searchParams.set(name, value);
  return { location: url.href, outcome: null, use_cookies: false };
}
