import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { openSession } from "../sign-in/open-session.ts";
import { recordRefusedSignIn } from "../sign-in/refused-sign-in.ts";
import { consumeCode, type ExchangeCode, findCode } from "./oauth.repo.ts";
import { completeDeferredLink } from "./oauth-link.ts";
import { hashSecret } from "./oauth-state.ts";

type Input = ActionContext<ParamsOf<typeof authContract, "oauthExchange">>;
type Output = ResultOf<typeof authContract, "oauthExchange">;

/** The one-time code that a sign-in or a link led back with. A link's counts in the session that began it alone. */
export async function exchangeCode(deps: AuthDeps, ctx: Input): Promise<Output> {
  const sessionId = ctx.caller.kind === "user" ? ctx.caller.session_id : null;
  const code = await findCode(deps.db, hashSecret(ctx.params.code), sessionId);
  if (!code) throw new AppError("oauth_code_invalid");
  if (code.link) return completeDeferredLink(deps, ctx, code, code.link);
  assertSameBrowser(ctx.params, code);
  if (!(await consumeCode(deps.db, code.hash))) throw new AppError("oauth_code_invalid");
  return signIn(deps, ctx, code);
}

/** Else a page could be made to keep a stranger's sign-in: he sends it his own code (RFC 9700 section 4.7). */
function assertSameBrowser({ use_cookies, browser = "" }: Input["params"], { browser_hash }: ExchangeCode): void {
  if (use_cookies === true && browser_hash !== hashSecret(browser)) throw new AppError("oauth_code_invalid");
}

/** With the epoch that the sign-in began with: a reset since has ended it. */
async function signIn(deps: AuthDeps, ctx: Input, { user_id, tenant_id, epoch }: ExchangeCode): Promise<Output> {
  const account = await ctx.call("users.signInView", { id: user_id });
  if (!account?.is_active) {
    const refusal = new AppError("account_disabled");
    recordRefusedSignIn(deps, ctx, { tenantId: tenant_id, userId: user_id }, refusal);
    throw refusal;
  }
  const device_name = ctx.params.device_name ?? null;
  return openSession(deps, ctx, { user_id, tenant_id, epoch, amr: ["fed"], device_name });
}
