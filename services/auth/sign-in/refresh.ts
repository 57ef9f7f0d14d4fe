import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { issueAccessToken } from "./issue-access-token.ts";

type RefreshDeps = Pick<AuthDeps, "config" | "clock" | "random" | "signingKeys">;

/**
 * Exchanges a refresh token for a new pair of tokens. `sessions.refresh` rotates the refresh token, and decides whether a
 * spent one is a retry or theft. Then an access token is signed for the session. Safe to repeat within the grace period,
 * in which a spent token yields the same successor again.
 */
export async function refresh(
  deps: RefreshDeps,
  ctx: ActionContext<ParamsOf<typeof authContract, "refresh">>,
): Promise<ResultOf<typeof authContract, "refresh">> {
  if (ctx.params.refresh_token === undefined) throw fieldError("refresh_token", "required", "is required");
  const grant = await ctx.call("sessions.refresh", {
    refresh_token: ctx.params.refresh_token,
    ip: ctx.client.ip.slice(0, 64) || null,
  });
  const accessToken = await issueAccessToken(deps, ctx, grant);
  return {
    ...accessToken,
    refresh_token: grant.refresh_token,
    refresh_expires_in: grant.refresh_expires_in,
    session_id: grant.session_id,
  };
}
