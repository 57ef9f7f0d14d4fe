import { requestedTenant } from "../../../lib/actions/caller.ts";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError, publicCode } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { encode } from "../../../lib/crypto/base64url.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { openSession } from "../sign-in/open-session.ts";
import { recordRefusedProviderSignIn } from "../sign-in/refused-sign-in.ts";
import { insertCode } from "./oauth.repo.ts";
import { resolveAccount } from "./oauth-account.ts";
import { deferLink, finishLink } from "./oauth-link.ts";
import type { ProviderIdentity } from "./oauth-providers.ts";
import { type ConsumedState, consumeState, createState, hashSecret } from "./oauth-state.ts";

type Callback = ParamsOf<typeof authContract, "oauthCallback">;
type Result = ResultOf<typeof authContract, "oauthCallback">;

/** To the provider, with PKCE, state and nonce. */
export async function startOAuth(
  deps: AuthDeps,
  ctx: ActionContext<ParamsOf<typeof authContract, "oauthStart">>,
): Promise<ResultOf<typeof authContract, "oauthStart">> {
  const { params } = ctx;
  const provider = deps.oauth.find(params.provider);
  const tenant = params.tenant ?? requestedTenant(ctx.caller);
  // An unknown tenant is told here, and not after the way to the provider and back.
  await ctx.call("users.findForSignIn", { tenant });
  const { return_to: returnTo, browser } = params;
  const useCookies = params.use_cookies === "true";
  return createState(deps, ctx, { provider, tenant, returnTo, useCookies, browser, linker: null });
}

/** Back from the provider. Once the state is spent, whatever goes wrong is told where the client waits for it. */
export async function finishOAuth(deps: AuthDeps, ctx: ActionContext<Callback>): Promise<Result> {
  const { browser, provider: name, ...answer } = ctx.params;
  const provider = deps.oauth.find(name);
  const returned = await consumeState(deps, ctx, { provider, state: answer.state, browser });
  let identity: ProviderIdentity | null = null;
  try {
    identity = await deps.oauth.redeem(provider, { ...answer, state: returned.secrets.state }, returned.secrets);
    return await conclude(deps, ctx, returned, { ...identity, provider: name });
  } catch (error) {
    if (!returned.linker)
      recordRefusedProviderSignIn(deps, ctx, { tenant: returned.tenant, provider: name, identity }, error);
    if (returned.return_to === null || !(error instanceof AppError)) throw error;
    return { location: withQuery(returned.return_to, "error", publicCode(error.type)), ...nothing };
  }
}

const nothing = { outcome: null, use_cookies: false };

type Identity = ProviderIdentity & { readonly provider: string };

async function conclude(
  deps: AuthDeps,
  ctx: ActionContext<Callback>,
  returned: ConsumedState,
  identity: Identity,
): Promise<Result> {
  const code = encode(deps.random.bytes(32));
  const { linker, return_to: returnTo, use_cookies } = returned;
  if (linker) {
    if (returnTo === null) {
      const outcome = await finishLink(deps, ctx, returned, linker, identity);
      return { location: null, outcome, use_cookies: false };
    }
    await deferLink(deps, returned, linker, identity, hashSecret(code));
    return { location: withQuery(returnTo, "code", code), ...nothing };
  }
  const { account, epoch } = await resolveAccount(deps, ctx, returned.tenant, identity);
  if (!account.is_active) throw new AppError("account_disabled");
  if (!account.is_verified && deps.config.auth.requireVerifiedEmail) throw new AppError("email_not_verified");
  const { id, tenant_id } = account;
  if (returnTo === null || use_cookies) {
    const opening = { user_id: id, tenant_id, epoch, amr: ["fed"], device_name: null };
    return { location: returnTo, outcome: await openSession(deps, ctx, opening), use_cookies };
  }
  const browser_hash = hashSecret(ctx.params.browser ?? "");
  await insertCode(deps.db, { hash: hashSecret(code), user_id: id, tenant_id, epoch, browser_hash, link: null });
  return { location: withQuery(returnTo, "code", code), ...nothing };
}

function withQuery(address: string, name: string, value: string): string {
  const url = new URL(address);
  url.searchParams.set(name, value);
  return url.href;
}
