import type * as z from "zod";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { LoginResult } from "../contract/login-result.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { issueAccessToken } from "./issue-access-token.ts";

type SignInDeps = Pick<AuthDeps, "config" | "clock" | "random" | "log" | "signingKeys">;

interface AuthenticatedUser {
  readonly user_id: string;
  readonly tenant_id: string;
  /** The account's epoch, read before everything that decided the sign-in. */
  readonly epoch: number;
  /** Authentication methods (RFC 8176); `fed` for a sign-in with a provider. */
  readonly amr: string[];
  readonly device_name: string | null;
}

/** The last step of every sign-in, by password or provider: creates the session and issues its tokens. */
export async function completeSignIn(
  deps: SignInDeps,
  ctx: Pick<ActionContext, "call" | "client">,
  authenticated: AuthenticatedUser,
): Promise<z.infer<typeof LoginResult>> {
  const grant = await ctx.call("sessions.create", {
    id: newId(deps.clock, deps.random),
    ...authenticated,
    ip: ctx.client.ip.slice(0, 64) || null,
    user_agent: ctx.client.user_agent.slice(0, 1_024) || null,
  });
  const [accessToken, user] = await Promise.all([
    issueAccessToken(deps, ctx, grant),
    ctx.call("users.get", { id: authenticated.user_id }),
  ]);
  if (!user) throw new AppError("session_ended");
  recordLogin(deps, ctx, user.id);
  return {
    status: "signed_in",
    ...accessToken,
    refresh_token: grant.refresh_token,
    refresh_expires_in: grant.refresh_expires_in,
    session_id: grant.session_id,
    user,
  };
}

/** Not awaited: recording the time of the login must neither delay the sign-in nor make it fail. */
function recordLogin({ clock, log }: SignInDeps, ctx: Pick<ActionContext, "call">, id: string): void {
  const recorded = ctx.call("users.recordLogin", { id, at: clock.now().toISOString() });
  recorded.catch((error: Error) => log.debug({ error: error.message }, "recording a sign-in failed"));
}
