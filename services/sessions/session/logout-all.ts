import { newId } from "../../../lib/runtime/ids.ts";
import { onceById } from "../../../mixins/idempotency.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { actorOf } from "./actor.ts";
import { revokeAll } from "./revoke-all.ts";
import { requireUser } from "./signed-in.ts";

/** Under the key of an earlier request it is that one again: a sign-in made since lives on. */
export async function logoutAll(deps: SessionsDeps, ctx: Ctx<"logoutAll">): Promise<{ revoked: number }> {
  const { clock, random } = deps.platform;
  const { user_id } = requireUser(ctx.caller);
  const eventId = await onceById(deps.db, ctx, user_id, newId(clock, random));
  return revokeAll(deps, ctx.call, {
    userId: user_id,
    eventId,
    reason: "logout_all",
    correlationId: ctx.correlationId,
    by: actorOf(ctx, user_id),
  });
}
