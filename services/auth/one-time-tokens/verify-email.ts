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
 * Confirms an initial or a changed address. `users.confirmEmail` commits, idempotently per token. The request that then
 * marks the token spent succeeds, all others get `token_invalid`. A crash in between leaves the token unspent, and a retry
 * completes it.
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
 * An email change that was requested before a password reset, a password change or a logout everywhere may have been
 * requested by an intruder, so it is void.
 */
async function isOutdatedChange(
  ctx: ActionContext<Input>,
  { purpose, user_id, epoch }: OneTimeToken,
): Promise<boolean> {
  if (purpose !== "change_email") return false;
  return (await ctx.call("sessions.epoch", { user_id })).epoch !== epoch;
}
