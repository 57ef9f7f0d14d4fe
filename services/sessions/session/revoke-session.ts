import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import { confirmRevocation } from "../revocation/revocation.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { actorOf } from "./actor.ts";
import * as repo from "./sessions.repo.ts";

interface OwnSession {
  readonly id: string;
  readonly userId: string;
  readonly tenantId: string;
}

/** False where that user has no such session. One that has ended already is waited for all the same: whoever ended it may have died before the wait. */
export async function revokeSession(
  deps: SessionsDeps,
  ctx: Pick<ActionContext, "call" | "correlationId" | "caller" | "client">,
  session: OwnSession,
  reason: string,
): Promise<boolean> {
  const { id, userId, tenantId } = session;
  const { correlationId } = ctx;
  const data = { ...actorOf(ctx, userId) };
  const revoked = deps.outbox.draft({ type: "session.revoked", userId, tenantId, correlationId, data });
  const ended = await repo.revokeSession(deps.db, { id, userId, reason, revoked });
  if (!ended) return false;
  deps.outbox.wake();
  await confirmRevocation(deps, ctx.call, ended.changes);
  return true;
}
