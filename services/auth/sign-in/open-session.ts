import type * as z from "zod";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { LoginResult } from "../contract/login-result.contract.ts";
import type { AuthDeps } from "../dependencies.ts";
import { issueAccessToken } from "./access-token.ts";

type Deps = Pick<AuthDeps, "config" | "clock" | "random" | "log" | "signingKeys">;

interface Opening {
  readonly user_id: string;
  readonly tenant_id: string;
  /** As it was before anything that decided was looked at. */
  readonly epoch: number;
  /** RFC 8176; `fed` for the word of a provider. */
  readonly amr: string[];
  readonly device_name: string | null;
}

/** The end of every sign-in, however it was decided. */
export async function openSession(
  deps: Deps,
  ctx: Pick<ActionContext, "call" | "client">,
  opening: Opening,
): Promise<z.infer<typeof LoginResult>> {
  const grant = await ctx.call("sessions.create", {
    id: newId(deps.clock, deps.random),
    ...opening,
    ip: ctx.client.ip.slice(0, 64) || null,
    user_agent: ctx.client.user_agent.slice(0, 1_024) || null,
  });
  const [access, user] = await Promise.all([
    issueAccessToken(deps, ctx, grant),
    ctx.call("users.get", { id: opening.user_id }),
  ]);
  if (!user) throw new AppError("session_ended");
  recordSignIn(deps, ctx, opening.user_id);
  return {
    status: "signed_in",
    ...access,
    refresh_token: grant.refresh_token,
    refresh_expires_in: grant.refresh_expires_in,
    session_id: grant.session_id,
    user,
  };
}

function recordSignIn({ clock, log }: Deps, ctx: Pick<ActionContext, "call">, id: string): void {
  const noted = ctx.call("users.recordLogin", { id, at: clock.now().toISOString() });
  noted.catch((error: Error) => log.debug({ error: error.message }, "recording a sign-in failed"));
}
