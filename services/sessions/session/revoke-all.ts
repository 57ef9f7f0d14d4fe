import type { Call } from "../../../lib/actions/typed-call.ts";
import { confirmRevocation } from "../revocation/revocation.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import type { Actor } from "./actor.ts";
import * as repo from "./sessions.repo.ts";

export interface RevokeAll {
  readonly userId: string;
  /** Of the event that states the change: the call and that event are one operation. */
  readonly eventId: string;
  readonly reason: string;
  readonly correlationId: string;
  readonly except?: string | undefined;
  /** Unknown where an event ends them: that one says it. */
  readonly by?: Actor;
}

/** Moves the account's epoch, so that no sign-in under way makes a session, and ends all there are but `except`. */
export async function revokeAll(deps: SessionsDeps, call: Call, end: RevokeAll): Promise<{ revoked: number }> {
  const { userId, eventId, reason, correlationId, except = null, by } = end;
  const body = deps.outbox.draft({ type: "session.revoked", userId, correlationId, ...(by && { data: { ...by } }) });
  const { revoked, changes } = await repo.revokeAllSessions(deps.db, {
    userId,
    eventId,
    reason,
    except,
    revoked: body,
  });
  deps.outbox.wake();
  await confirmRevocation(deps, call, changes);
  return { revoked };
}
