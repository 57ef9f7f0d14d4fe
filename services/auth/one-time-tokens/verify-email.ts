import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { emailKey } from "../../../lib/runtime/text-keys.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { findAddressee, requireOneTimeToken } from "./mailed-token.ts";
import { lockOneTimeTokens, markSpent, type OneTimeToken, revokeOneTimeTokens } from "./one-time-tokens.repo.ts";

type Input = ParamsOf<typeof authContract, "verifyEmail">;
type Output = ResultOf<typeof authContract, "verifyEmail">;
type VerifyDeps = Pick<AuthDeps, "db" | "ring">;

/**
 * Of a first address or a new one. users commits, once per token however often it is asked; then whoever marks the token here has won, and all others
 * are told that the link was used. Who dies in between leaves no mark, so the next one finishes it and wins.
 */
export async function verifyEmail(deps: VerifyDeps, ctx: ActionContext<Input>): Promise<Output> {
  const oneTimeToken = await requireOneTimeToken(deps, ctx.params.token, "verify_email", "change_email");
  return runIdempotently(deps.db, ctx, {
    userId: oneTimeToken.user_id,
    prepare: () => confirm(ctx, oneTimeToken),
    commit: async (tx, answer) => {
      await lockOneTimeTokens(tx, oneTimeToken.user_id);
      if (!(await markSpent(tx, oneTimeToken.id))) throw new AppError("one_time_token_invalid");
      await revokeOneTimeTokens(tx, oneTimeToken.user_id, [oneTimeToken.purpose]);
      return answer;
    },
  });
}

/** A new address that was asked for before a reset, a changed password or "end all" is not the owner's wish any more. */
async function isOutrun(ctx: ActionContext<Input>, { purpose, user_id, epoch }: OneTimeToken): Promise<boolean> {
  if (purpose !== "change_email") return false;
  return (await ctx.call("sessions.epoch", { user_id })).epoch !== epoch;
}

async function confirm(ctx: ActionContext<Input>, oneTimeToken: OneTimeToken): Promise<Output> {
  if (oneTimeToken.spent || oneTimeToken.superseded || oneTimeToken.outdated)
    throw new AppError("one_time_token_invalid");
  if (await isOutrun(ctx, oneTimeToken)) throw new AppError("one_time_token_invalid");
  const account = await findAddressee(ctx, oneTimeToken);
  if (!account) throw new AppError("one_time_token_invalid");
  const params = {
    user_id: account.id,
    email_key: emailKey(account.email),
    token_id: oneTimeToken.id,
    event_id: oneTimeToken.event_id,
  };
  const { user } = await ctx.call("users.confirmEmail", params);
  return { user };
}
