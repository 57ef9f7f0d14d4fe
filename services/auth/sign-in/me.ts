import { requireUser } from "../../../lib/actions/caller.ts";
import type { ResultOf } from "../../../lib/actions/contract.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { authContract } from "../auth.contract.ts";

/** The caller's account and the session of their access token. */
export async function me(ctx: ActionContext): Promise<ResultOf<typeof authContract, "me">> {
  const { user_id, session_id, permissions } = requireUser(ctx.caller);
  const [user, session] = await Promise.all([
    ctx.call("users.get", { id: user_id }),
    ctx.call("sessions.get", { id: session_id, user_id }),
  ]);
  if (!user || !session) throw new AppError("session_ended");
  return { user, session: { ...session, is_current: true }, permissions: [...permissions] };
}
