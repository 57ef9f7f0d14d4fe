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

/** The derived one-time token and where to send it; null when it would be of no use any more. */
export async function deriveMailToken(
  deps: TokenDeps,
  ctx: ActionContext<Input>,
): Promise<ResultOf<typeof authContract, "deriveMailToken">> {
  const oneTimeToken = await findOneTimeToken(deps.db, ctx.params.token_id);
  if (!oneTimeToken || oneTimeToken.spent || oneTimeToken.superseded || oneTimeToken.stale) return null;
  const account = await findAddressee(ctx, oneTimeToken);
  if (!account || (oneTimeToken.purpose === "verify_email" && account.is_verified)) return null;
  if (account.waits === false) return null;
  const token = formatMailedToken(deps.ring, signed(oneTimeToken));
  await recordDerived(deps.db, oneTimeToken.id);
  return {
    purpose: oneTimeToken.purpose,
    token,
    email: account.email,
    name: account.full_name,
    user_id: account.id,
    tenant_id: account.tenant_id,
  };
}

export async function markMailSent(
  deps: Pick<AuthDeps, "db">,
  ctx: ActionContext<Input>,
): Promise<Record<string, never>> {
  await recordSent(deps.db, ctx.params.token_id);
  return {};
}

/** The active account that a one-time token is for, as long as its address, or the one it wishes, is still the link's. */
export async function findAddressee(
  ctx: Pick<ActionContext, "call">,
  oneTimeToken: OneTimeToken,
): Promise<Account | null> {
  const account = await addressed(ctx, oneTimeToken);
  if (!account?.is_active) return null;
  return emailKeyHash(oneTimeToken.tenant_id, emailKey(account.email)) === oneTimeToken.email_key_hash ? account : null;
}

async function addressed({ call }: Pick<ActionContext, "call">, oneTimeToken: OneTimeToken): Promise<Account | null> {
  const account = await call("users.signInView", { id: oneTimeToken.user_id });
  if (!account || oneTimeToken.purpose !== "change_email") return account;
  const change = await call("users.emailChange", { token_id: oneTimeToken.id });
  return change && { ...account, email: change.new_email, waits: change.state === "pending" };
}

/** The row that a token was derived from. 400 `token_invalid` for any other text; whether it may be used is another question. */
export async function requireOneTimeToken(
  deps: TokenDeps,
  text: string,
  ...purposes: readonly OneTimeToken["purpose"][]
): Promise<OneTimeToken> {
  const token = parseMailedToken(text);
  const oneTimeToken = token && (await findOneTimeToken(deps.db, token.tokenId));
  if (
    !oneTimeToken ||
    !purposes.includes(oneTimeToken.purpose) ||
    !mailedTokenMatches(deps.ring, token, signed(oneTimeToken))
  )
    throw new AppError("one_time_token_invalid");
  return oneTimeToken;
}

function signed(oneTimeToken: OneTimeToken): MailedTokenBinding {
  const { kid, id, purpose, user_id, tenant_id, email_key_hash } = oneTimeToken;
  return { kid, tokenId: id, purpose, userId: user_id, tenantId: tenant_id, emailKeyHash: email_key_hash };
}
