import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { assertUsable, findAddressee, requireOneTimeToken } from "../one-time-tokens/mailed-token.ts";
import {
  lockOneTimeTokens,
  markSpent,
  type OneTimeToken,
  revokeOneTimeTokens,
} from "../one-time-tokens/one-time-tokens.repo.ts";
import { resetWithToken } from "../password/reset-password.ts";
import { verifyPassword } from "../password/verify-password.ts";
import { isRegisteredBy } from "./registration-binding.ts";

type Input = ParamsOf<typeof authContract, "verifyEmail">;
type Output = ResultOf<typeof authContract, "verifyEmail">;

/**
 * Confirms an initial or a changed email address. The link alone proves that a mailbox was read, not that its owner made
 * the account or asked for the change. So the request must also come from the account's holder, or set a new password,
 * which revokes everything that the person who registered the account has left.
 */
export async function verifyEmail(deps: AuthDeps, ctx: ActionContext<Input>): Promise<Output> {
  const oneTimeToken = await requireOneTimeToken(deps, ctx.params.token, "verify_email", "change_email");
  const { new_password } = ctx.params;
  if (new_password === undefined) return confirmAsHolder(deps, ctx, oneTimeToken);
  // The owner of a mistyped new address would otherwise get the account.
  if (!isInitial(oneTimeToken)) throw passwordRequired(oneTimeToken);
  return { user: await resetWithToken(deps, { ...ctx, params: { new_password } }, oneTimeToken) };
}

type InitialToken = OneTimeToken & { readonly purpose: "verify_email" };

function isInitial(oneTimeToken: OneTimeToken): oneTimeToken is InitialToken {
  return oneTimeToken.purpose === "verify_email";
}

/**
 * The commit point is `users.confirmEmail`, which is idempotent per token. Of several requests with the same token, the one
 * that then marks it spent succeeds, and all others get `one_time_token_invalid`. A crash before that leaves the token
 * unspent, so that a retry succeeds.
 */
function confirmAsHolder(deps: AuthDeps, ctx: ActionContext<Input>, oneTimeToken: OneTimeToken): Promise<Output> {
  return runIdempotently(deps.db, ctx, {
    userId: oneTimeToken.user_id,
    prepare: () => confirmEmail(deps, ctx, oneTimeToken),
    commit: async (tx, result) => {
      await lockOneTimeTokens(tx, oneTimeToken.user_id);
      if (!(await markSpent(tx, oneTimeToken.id))) throw new AppError("one_time_token_invalid");
      await revokeOneTimeTokens(tx, oneTimeToken.user_id, [oneTimeToken.purpose]);
      return result;
    },
  });
}

async function confirmEmail(deps: AuthDeps, ctx: ActionContext<Input>, oneTimeToken: OneTimeToken): Promise<Output> {
  assertUsable(oneTimeToken);
  const addressee = (await isOutdatedChange(ctx, oneTimeToken)) ? null : await findAddressee(ctx, oneTimeToken);
  if (!addressee) throw new AppError("one_time_token_invalid");
  await assertHolder(deps, ctx, oneTimeToken);
  const { user } = await ctx.call("users.confirmEmail", {
    user_id: addressee.id,
    email_key: emailKey(addressee.email),
    token_id: oneTimeToken.id,
    event_id: oneTimeToken.event_id,
  });
  return { user };
}

/**
 * The account's holder is signed in to it, registered it in this browser, or knows its password. A wrong password counts
 * as a login attempt.
 */
async function assertHolder(deps: AuthDeps, ctx: ActionContext<Input>, oneTimeToken: OneTimeToken): Promise<void> {
  const { caller, params } = ctx;
  const { user_id } = oneTimeToken;
  if (caller.kind === "user" && caller.user_id === user_id) return;
  if (isInitial(oneTimeToken) && isRegisteredBy(deps.ring, user_id, params.registration_binding)) return;
  if (params.password === undefined) throw passwordRequired(oneTimeToken);
  const account = await ctx.call("users.signInView", { id: user_id });
  if (!account) throw new AppError("one_time_token_invalid");
  const { ok } = await verifyPassword(deps, ctx, account, params.password);
  if (!ok) throw new AppError("invalid_credentials", { message: "The password is incorrect." });
}

function passwordRequired(oneTimeToken: OneTimeToken): AppError {
  const password = { field: "password", code: "required", message: "Enter the password of the account." };
  const newPassword = { field: "new_password", code: "required", message: "Or choose a new password." };
  return new AppError("password_required", { errors: isInitial(oneTimeToken) ? [password, newPassword] : [password] });
}

/**
 * A password reset, a password change and a logout everywhere increment the epoch. An email change that was requested
 * before one of them is refused, because an intruder may have requested it.
 */
async function isOutdatedChange(
  ctx: ActionContext<Input>,
  { purpose, user_id, epoch }: OneTimeToken,
): Promise<boolean> {
  if (purpose !== "change_email") return false;
  return (await ctx.call("sessions.epoch", { user_id })).epoch !== epoch;
}
