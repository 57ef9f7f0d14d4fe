import { originOf, requireAdministrator } from "../../../lib/actions/caller.ts";
import type { ActionContext, Call } from "../../../lib/actions/typed-call.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { confirmRevocation } from "../revocation/confirm-revocation.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import * as repo from "./sessions.repo.ts";

/** Who revoked a session and from which address, for the activity log. An operator is in `actor`. */
export type Actor = {
  readonly actor_id?: string;
  readonly actor?: string;
  readonly ip?: string;
  readonly languages?: readonly string[];
};

export interface RevokeAllRequest {
  readonly userId: string;
  /** Id of the event that reports the cause. The request takes effect once per event id. */
  readonly eventId: string;
  readonly reason: string;
  readonly correlationId: string;
  readonly except?: string | undefined;
  /** Missing if a change of the account revokes the sessions: the event of that change names the actor. */
  readonly actor?: Actor;
}

/**
 * For administrators: requires permission to manage the account. A retry with the same idempotency key uses the
 * event id of the first request again, so sessions created since then survive.
 */
export async function revokeForUser(deps: SessionsDeps, ctx: Ctx<"revokeForUser">): Promise<{ revoked: number }> {
  const { clock, random } = deps.platform;
  const { user_id: actor_id, tenant_id } = requireAdministrator(ctx.caller);
  const userId = ctx.params.user_id;
  await ctx.call("users.canManage", { id: userId, tenant_id, actor_id });
  const actor = actorOf(ctx, userId);
  return runIdempotently(deps.db, ctx, {
    userId,
    prepare: async () => newId(clock, random),
    after: (eventId) =>
      revokeAll(deps, ctx.call, { userId, eventId, reason: "ended_by_admin", correlationId: ctx.correlationId, actor }),
  });
}

/** Increments the account's epoch, so that no sign-in in progress creates a session, and revokes all sessions but `except`. */
export async function revokeAll(
  deps: SessionsDeps,
  call: Call,
  { userId, eventId, reason, correlationId, except, actor }: RevokeAllRequest,
): Promise<{ revoked: number }> {
  const revokedEvent = deps.outbox.buildEvent({
    type: "session.revoked",
    userId,
    correlationId,
    ...(actor && { data: actor }),
  });
  const input = { userId, eventId, reason, except: except ?? null, revokedEvent };
  const { revoked, changes } = await repo.revokeAllSessions(deps.db, input);
  deps.outbox.wake();
  await confirmRevocation(deps, call, changes);
  return { revoked };
}

/** The signed-in user or the operator, or the session's owner if the caller presented only a refresh token. */
export function actorOf(cause: Pick<ActionContext, "caller" | "client">, ownerId: string): Actor {
  const origin: Actor = originOf(cause);
  return cause.caller.kind === "operator" ? origin : { actor_id: ownerId, ...origin };
}
