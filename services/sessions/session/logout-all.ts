import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { actorOf } from "./actor.ts";
import { revokeAll } from "./revoke-all.ts";
import { requireUser } from "./signed-in.ts";

/** A retry with the same idempotency key repeats the original operation, so sessions created since then survive. */
export async function logoutAll(deps: SessionsDeps, ctx: Ctx<"logoutAll">): Promise<{ revoked: number }> {
  const { clock, random } = deps.platform;
  const { user_id } = requireUser(ctx.caller);
  return runIdempotently(deps.db, ctx, {
    userId: user_id,
    prepare: async () => newId(clock, random),
    after: (eventId) =>
      revokeAll(deps, ctx.call, {
        userId: user_id,
        eventId,
        reason: "logout_all",
        correlationId: ctx.correlationId,
        by: actorOf(ctx, user_id),
      }),
  });
}
