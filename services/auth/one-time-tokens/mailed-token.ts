import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
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
type Input = ParamsOf<typeof authContract, "deriveMailToken">;
/** `email` is the address that the link goes to, and `is_verified` is about that address. */
type Addressee = NonNullable<Actions["users.signInView"]["result"]> & {
  /** For an email change: whether the user still wants it. */
  readonly change_pending?: boolean;
};

/** For the mail service: the token and the address to send it to. Null if the link would be useless by now. */
export async function deriveMailToken(
  deps: TokenDeps,
  ctx: ActionContext<Input>,
): Promise<ResultOf<typeof authContract, "deriveMailToken">> {
  const oneTimeToken = await findOneTimeToken(deps.db, ctx.params.token_id);
  if (!oneTimeToken || oneTimeToken.spent || oneTimeToken.superseded || oneTimeToken.too_old_to_mail) return null;
  const addressee = await findAddressee(ctx, oneTimeToken);
  if (!addressee || addressee.change_pending === false) return null;
  if (oneTimeToken.purpose === "verify_email" && addressee.is_verified) return null;
  const token = formatMailedToken(deps.ring, bindingOf(oneTimeToken));
  await recordDerived(deps.db, oneTimeToken.id);
  return {
    purpose: oneTimeToken.purpose,
    token,
    email: addressee.email,
    name: addressee.full_name,
    is_verified: addressee.is_verified,
    user_id: addressee.id,
    tenant_id: addressee.tenant_id,
  };
}

export async function markMailSent(
  { db }: Pick<AuthDeps, "db">,
  ctx: ActionContext<Input>,
): Promise<Record<string, never>> {
  await recordSent(db, ctx.params.token_id);
  return {};
}

/** The row that a token was derived from, even if it is spent or expired. 400 `one_time_token_invalid` for any other text. */
export async function requireOneTimeToken(
  { db, ring }: TokenDeps,
  text: string,
  ...purposes: readonly MailedTokenPurpose[]
): Promise<OneTimeToken> {
  const token = parseMailedToken(text);
  const oneTimeToken = token && (await findOneTimeToken(db, token.tokenId));
  if (
    !oneTimeToken ||
    !purposes.includes(oneTimeToken.purpose) ||
    !mailedTokenMatches(ring, token, bindingOf(oneTimeToken))
  )
    throw new AppError("one_time_token_invalid");
  return oneTimeToken;
}

export function assertUsable({ spent, superseded, expired }: OneTimeToken): void {
  if (spent || superseded || expired) throw new AppError("one_time_token_invalid");
}

/**
 * The active account that a token was requested for, with the address that the link goes to. Null if the account has
 * another address by now, or for an email change, if another new address was requested.
 */
export async function findAddressee(
  ctx: Pick<ActionContext, "call">,
  oneTimeToken: OneTimeToken,
): Promise<Addressee | null> {
  const addressee = await readAddressee(ctx, oneTimeToken);
  if (!addressee?.is_active) return null;
  const hash = emailKeyHash(oneTimeToken.tenant_id, emailKey(addressee.email));
  return hash === oneTimeToken.email_key_hash ? addressee : null;
}

async function readAddressee(
  { call }: Pick<ActionContext, "call">,
  { id, user_id, purpose }: OneTimeToken,
): Promise<Addressee | null> {
  const account = await call("users.signInView", { id: user_id });
  if (!account || purpose !== "change_email") return account;
  const change = await call("users.emailChange", { token_id: id });
  return (
    change && { ...account, email: change.new_email, is_verified: false, change_pending: change.state === "pending" }
  );
}

function bindingOf({ kid, id, purpose, user_id, tenant_id, email_key_hash }: OneTimeToken): MailedTokenBinding {
  return { kid, tokenId: id, purpose, userId: user_id, tenantId: tenant_id, emailKeyHash: email_key_hash };
}
