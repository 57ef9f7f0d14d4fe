import type { ParamsOf, ResultOf } from "../../../lib/actions/contract.ts";
import { fieldError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { ShortLivedMap } from "../../../lib/runtime/short-lived-map.ts";
import type { authContract } from "../auth.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { issueAccessToken } from "./issue-access-token.ts";

type Input = ParamsOf<typeof authContract, "refresh">;
type Output = ResultOf<typeof authContract, "refresh">;
type RefreshDeps = Pick<AuthDeps, "config" | "clock" | "random" | "signingKeys">;

/**
 * Requests with the same refresh token that arrive while one is in progress get its result: the tabs of a browser all
 * refresh when a laptop wakes up, and each would wait for the lock of the same session. Without a grace period a second
 * use of a token must end the session, so each request is decided on its own.
 */
export function createRefresh(deps: RefreshDeps): (ctx: ActionContext<Input>) => Promise<Output> {
  if (deps.config.auth.refreshGraceSeconds === 0) return (ctx) => refresh(deps, ctx);
  const running = new ShortLivedMap<string, Promise<Output>>();
  return (ctx) => {
    const token = ctx.params.refresh_token ?? "";
    const earlier = running.get(token);
    if (earlier) return earlier;
    const result = refresh(deps, ctx).finally(() => running.delete(token));
    running.set(token, result);
    return result;
  };
}

/**
 * Exchanges a refresh token for a new pair of tokens. `sessions.refresh` rotates the refresh token, and decides whether a
 * spent one is a retry or theft. Then an access token is signed for the session. Safe to repeat within the grace period,
 * in which a spent token yields the same successor again.
 */
async function refresh(deps: RefreshDeps, ctx: ActionContext<Input>): Promise<Output> {
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
