import { AppError, isError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";

/** A password that has changed, and the sessions that must end for it. */
export interface PasswordChange {
  readonly user_id: string;
  /** Of the event that states the change: with the call it is one operation, whichever comes first. */
  readonly event_id: string;
  readonly except: string | null;
}

/** 503 `revocation_pending` where it can't be confirmed now: the event finishes it. */
export async function revokeSessions(
  ctx: Pick<ActionContext, "call">,
  { user_id, event_id, except }: PasswordChange,
): Promise<void> {
  try {
    await ctx.call("sessions.revokeAll", { user_id, event_id, ...(except !== null && { except }) });
  } catch (error) {
    throw isError(error, "revocation_pending")
      ? error
      : new AppError("revocation_pending", { retry_after: 1, cause: error });
  }
}
