import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { completeSignIn } from "../sign-in/complete-sign-in.ts";
import { recordRefusedSignIn } from "../sign-in/refused-sign-in.ts";
import { type ExchangeCode, findCode, spendCode } from "./oauth.repo.ts";
import { completeDeferredLink } from "./oauth-link.ts";
import { hashSecret } from "./oauth-state.ts";

type Input = ActionContext<ParamsOf<typeof authContract, "oauthExchange">>;
type Output = ResultOf<typeof authContract, "oauthExchange">;

/**
 * Exchanges the one-time code that a sign-in or a link redirected with. The code of a link is valid only in the session
 * that started the link.
 */
export async function exchangeCode(deps: AuthDeps, ctx: Input): Promise<Output> {
  const sessionId = ctx.caller.kind === "user" ? ctx.caller.session_id : null;
  const code = await findCode(deps.db, hashSecret(ctx.params.code), sessionId);
  if (!code) throw new AppError("oauth_code_invalid");
  if (code.link) return completeDeferredLink(deps, ctx, code, code.link);
  assertSameBrowser(ctx.params, code);
  if (!(await spendCode(deps.db, code.hash))) throw new AppError("oauth_code_invalid");
  return signIn(deps, ctx, code);
}

/**
 * Prevents login CSRF (RFC 9700 section 4.7): an attacker could make a victim's browser exchange the attacker's code, and
 * the victim would then use the attacker's account.
 */
function assertSameBrowser(
  { use_cookies, browser_binding = "" }: Input["params"],
  { browser_hash }: ExchangeCode,
): void {
  if (use_cookies === true && browser_hash !== hashSecret(browser_binding)) throw new AppError("oauth_code_invalid");
}

/** Passes on the epoch that the sign-in started with: a password reset since then refuses the session. */
async function signIn(deps: AuthDeps, ctx: Input, { user_id, tenant_id, epoch }: ExchangeCode): Promise<Output> {
  const account = await ctx.call("users.signInView", { id: user_id });
  if (!account?.is_active) {
    const refusal = new AppError("account_disabled");
    recordRefusedSignIn(deps, ctx, { tenantId: tenant_id, userId: user_id }, refusal);
    throw refusal;
  }
  const device_name = ctx.params.device_name ?? null;
  return completeSignIn(deps, ctx, { user_id, tenant_id, epoch, amr: ["fed"], device_name });
}
