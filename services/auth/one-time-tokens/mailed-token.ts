import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import {
  formatMailedToken,
  type MailedTokenBinding,
  mailedTokenMatches,
  parseMailedToken,
} from "../../../lib/crypto/mailed-token.ts";
import { emailKey, emailKeyHash } from "../../../lib/runtime/text-keys.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { findOneTimeToken, type OneTimeToken, recordDerived, recordSent } from "./one-time-tokens.repo.ts";

type TokenDeps = Pick<AuthDeps, "db" | "ring">;
type Account = NonNullable<Actions["users.signInView"]["result"]> & {
  /** Of a change of address: is it still wished? */
  readonly waits?: boolean;
};
type Input = ParamsOf<typeof authContract, "deriveMailToken">;

/** The derived token of an intent and where to send it; null when it would be of no use any more. */
export async function mailedToken(
  deps: TokenDeps,
  ctx: ActionContext<Input>,
): Promise<ResultOf<typeof authContract, "deriveMailToken">> {
  const intent = await findOneTimeToken(deps.db, ctx.params.intent);
  if (!intent || intent.spent || intent.superseded || intent.stale) return null;
  const account = await accountOf(ctx, intent);
  if (!account || (intent.purpose === "verify_email" && account.is_verified)) return null;
  if (account.waits === false) return null;
  const token = formatMailedToken(deps.ring, signed(intent));
  await recordDerived(deps.db, intent.id);
  return {
    purpose: intent.purpose,
    token,
    email: account.email,
    name: account.full_name,
    user_id: account.id,
    tenant_id: account.tenant_id,
  };
}

export async function mailed(deps: Pick<AuthDeps, "db">, ctx: ActionContext<Input>): Promise<Record<string, never>> {
  await recordSent(deps.db, ctx.params.intent);
  return {};
}

/** The active account that an intent is for, as long as its address, or the one it wishes, is still the link's. */
export async function accountOf(ctx: Pick<ActionContext, "call">, intent: OneTimeToken): Promise<Account | null> {
  const account = await addressed(ctx, intent);
  if (!account?.is_active) return null;
  return emailKeyHash(intent.tenant_id, emailKey(account.email)) === intent.email_key_hash ? account : null;
}

async function addressed({ call }: Pick<ActionContext, "call">, intent: OneTimeToken): Promise<Account | null> {
  const account = await call("users.signInView", { id: intent.user_id });
  if (!account || intent.purpose !== "change_email") return account;
  const change = await call("users.emailChange", { intent: intent.id });
  return change && { ...account, email: change.new_email, waits: change.state === "pending" };
}

/** The intent that a token was made for. 400 `token_invalid` for any other text; whether it may be used is another question. */
export async function requireOneTimeToken(
  deps: TokenDeps,
  text: string,
  ...purposes: readonly OneTimeToken["purpose"][]
): Promise<OneTimeToken> {
  const token = parseMailedToken(text);
  const intent = token && (await findOneTimeToken(deps.db, token.tokenId));
  if (!intent || !purposes.includes(intent.purpose) || !mailedTokenMatches(deps.ring, token, signed(intent)))
    throw new AppError("link_invalid");
  return intent;
}

function signed(intent: OneTimeToken): MailedTokenBinding {
  const { kid, id, purpose, user_id, tenant_id, email_key_hash } = intent;
  return { kid, tokenId: id, purpose, userId: user_id, tenantId: tenant_id, emailKeyHash: email_key_hash };
}
