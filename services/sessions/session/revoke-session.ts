import { requireUser } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { runIdempotently } from "../../../mixins/idempotency.ts";
import { confirmRevocation } from "../revocation/confirm-revocation.ts";
import type { Ctx, SessionsDeps } from "../sessions.deps.ts";
import { actorOf } from "./revoke-all.ts";
import * as repo from "./sessions.repo.ts";

interface OwnedSession {
  readonly id: string;
  readonly userId: string;
  /** Read from the session if it is missing. */
  readonly tenantId?: string;
}

/** Revokes one of the caller's sessions. 404 for a session of another user. */
export async function revokeOwn(deps: SessionsDeps, ctx: Ctx<"revokeOwn">): Promise<Record<string, never>> {
  const { user_id, home_tenant_id } = requireUser(ctx.caller);
  const session = { id: ctx.params.id, userId: user_id, tenantId: home_tenant_id };
  return runIdempotently(deps.db, ctx, {
    userId: user_id,
    prepare: async () => session.id,
    after: async () => {
      if (!(await revokeSession(deps, ctx, session, "ended_by_owner"))) throw new AppError("not_found");
      return {};
    },
  });
}

/**
 * When this resolves, no node accepts the session. False if the user has no such session. A session that is already
 * revoked is confirmed again: the process that revoked it may have crashed before every node had acknowledged.
 */
export async function revokeSession(
  deps: SessionsDeps,
  ctx: Pick<ActionContext, "call" | "correlationId" | "caller" | "client">,
  { id, userId, tenantId }: OwnedSession,
  reason: string,
): Promise<boolean> {
  const { correlationId } = ctx;
  const data = actorOf(ctx, userId);
  const tenant = tenantId === undefined ? {} : { tenantId };
  const revokedEvent = deps.outbox.buildEvent({ type: "session.revoked", userId, ...tenant, correlationId, data });
  const revoked = await repo.revokeSession(deps.db, { id, userId, reason, revokedEvent });
  if (!revoked) return false;
  deps.outbox.wake();
  await confirmRevocation(deps, ctx.call, revoked.changes);
  return true;
}
