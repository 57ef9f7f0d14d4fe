import { createHash } from "node:crypto";
import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { completeSignIn } from "../sign-in/complete-sign-in.ts";
import { recordRefusedSignIn } from "../sign-in/refused-sign-in.ts";
import { type ExchangeCode, findCode, isReplayed, recordReplay, spendCode } from "./oauth.repo.ts";
import { completeDeferredLink } from "./oauth-link.ts";
import { hashSecret } from "./oauth-state.ts";

type Input = ActionContext<ParamsOf<typeof authContract, "oauthExchange">>;
type Output = ResultOf<typeof authContract, "oauthExchange">;

/**
 * Exchanges the one-time code that the callback of a sign-in, or of linking a provider, has put into its redirect. A code
 * of linking is valid only in the session that started it.
 */
export async function exchangeCode(deps: AuthDeps, ctx: Input): Promise<Output> {
  const callerSessionId = ctx.caller.kind === "user" ? ctx.caller.session_id : null;
  const hash = hashSecret(ctx.params.code);
  const code = await findCode(deps.db, hash, callerSessionId);
  if (!code) return refuseUnusableCode(deps, ctx, hash);
  if (code.link) return completeDeferredLink(deps, ctx, code, code.link);
  assertSameClient(ctx.params, code);
  const sessionId = newId(deps.clock, deps.random);
  if (!(await spendCode(deps.db, hash, sessionId))) return refuseUnusableCode(deps, ctx, hash);
  const result = await signIn(deps, ctx, code, sessionId);
  // The second use may have come before the session was created.
  if (await isReplayed(deps.db, hash)) return refuseUnusableCode(deps, ctx, hash);
  return result;
}

/**
 * The code is unknown, expired or used already. If it was exchanged before, one of the two clients has stolen it, so the
 * session that it was exchanged for ends (RFC 6749 section 4.1.2).
 */
async function refuseUnusableCode({ db }: Pick<AuthDeps, "db">, ctx: Input, hash: string): Promise<never> {
  const session = await recordReplay(db, hash);
  if (session) await ctx.call("sessions.revoke", { ...session, reason: "code_replayed" });
  throw new AppError("oauth_code_invalid");
}

/**
 * A code works only for the client that started the sign-in: with the verifier of its challenge (RFC 9700 section 2.1.1),
 * or in the browser that visited the provider. Otherwise a stolen code would open the account, and an attacker could make
 * a victim's client exchange the attacker's code, so that the victim works in the attacker's account (section 4.7).
 */
function assertSameClient(
  { use_cookies, browser_binding = "", code_verifier }: Input["params"],
  { browser_hash, code_challenge }: ExchangeCode,
): void {
  const isSameBrowser = browser_hash === hashSecret(browser_binding);
  // A verifier without a challenge is refused too: someone has removed the challenge (RFC 9700 section 4.8.2).
  const isSameClient =
    code_challenge === null
      ? isSameBrowser && code_verifier === undefined
      : code_verifier !== undefined && challengeOf(code_verifier) === code_challenge;
  if (!isSameClient || (use_cookies === true && !isSameBrowser)) throw new AppError("oauth_code_invalid");
}

/** RFC 7636 section 4.2. */
function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

/** Passes on the epoch that the sign-in started with: a password reset since then refuses the session. */
async function signIn(
  deps: AuthDeps,
  ctx: Input,
  { user_id, tenant_id, epoch, auth_time }: ExchangeCode,
  sessionId: string,
): Promise<Output> {
  const account = await ctx.call("users.signInView", { id: user_id });
  if (!account?.is_active) {
    const refusal = new AppError("account_disabled");
    recordRefusedSignIn(deps, ctx, { tenantId: tenant_id, userId: user_id }, refusal);
    throw refusal;
  }
  if (account.is_hidden) throw new AppError("email_not_verified");
  const { device_name = null, use_cookies, replaced_refresh_token } = ctx.params;
  const replaces = use_cookies === true ? replaced_refresh_token : undefined;
  const authenticated = { user_id, tenant_id, epoch, auth_time, amr: ["fed"], device_name, replaces };
  return completeSignIn(deps, ctx, authenticated, { sessionId });
}
