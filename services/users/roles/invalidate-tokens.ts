import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";

/** Tokens of the whole tenant are `token_stale` everywhere when this resolves. One operation with the event. */
export async function invalidateTenantTokens(
  ctx: Pick<ActionContext, "call">,
  tenantId: string,
  eventId: string,
): Promise<void> {
  try {
    await ctx.call("sessions.bumpTokenVersion", { kind: "tenant", id: tenantId, event_id: eventId });
  } catch (cause) {
    throw new AppError("revocation_pending", {
      retry_after: 1,
      message: "The change was saved but not yet confirmed by every node. Retry the request.",
      cause,
    });
  }
}
