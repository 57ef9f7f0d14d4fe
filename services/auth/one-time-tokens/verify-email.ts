import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { assertUsable, findAddressee, requireOneTimeToken } from "./mailed-token.ts";
import { lockOneTimeTokens, markSpent, type OneTimeToken, revokeOneTimeTokens } from "./one-time-tokens.repo.ts";

type Input = ParamsOf<typeof authContract, "verifyEmail">;
type Output = ResultOf<typeof authContract, "verifyEmail">;
type VerifyDeps = Pick<AuthDeps, "db" | "ring">;

/**
 * Confirms an initial or a changed email address. The commit point is `users.confirmEmail`, which is idempotent per token.
 * Of several requests with the same token, the one that then marks it spent succeeds, and all others get
 * `one_time_token_invalid`. A crash before that leaves the token unspent, so that a retry succeeds.
 */
export async function verifyEmail(deps: VerifyDeps, ctx: ActionContext<Input>): Promise<Output> {
  const oneTimeToken = await requireOneTimeToken(deps, ctx.params.token, "verify_email", "change_email");
  return runIdempotently(deps.db, ctx, {
    userId: oneTimeToken.user_id,
    prepare: () => confirmEmail(ctx, oneTimeToken),
    commit: async (tx, result) => {
      await lockOneTimeTokens(tx, oneTimeToken.user_id);
      if (!(await markSpent(tx, oneTimeToken.id))) throw new AppError("one_time_token_invalid");
      await revokeOneTimeTokens(tx, oneTimeToken.user_id, [oneTimeToken.purpose]);
      return result;
    },
  });
}

async function confirmEmail(ctx: ActionContext<Input>, oneTimeToken: OneTimeToken): Promise<Output> {
  assertUsable(oneTimeToken);
  const addressee = (await isOutdatedChange(ctx, oneTimeToken)) ? null : await findAddressee(ctx, oneTimeToken);
  if (!addressee) throw new AppError("one_time_token_invalid");
  const { user } = await ctx.call("users.confirmEmail", {
    user_id: addressee.id,
    email_key: emailKey(addressee.email),
    token_id: oneTimeToken.id,
    event_id: oneTimeToken.event_id,
  });
  return { user };
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
