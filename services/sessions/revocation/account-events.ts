import type { Call } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { type ConsumerOptions, isExpiredEvent } from "../../../mixins/event-consumer.mixin.ts";
import { eraseSessions } from "../personal-data.ts";
import { revokeAll } from "../session/revoke-all.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { bumpTokenVersion } from "./invalidate.ts";

/**
 * Account changes that invalidate tokens. The service that makes the change also calls `revokeAll` or `bumpTokenVersion`
 * with the id of its event. If that call was lost, the handler of the event does the work; otherwise there is nothing left
 * to do. Revocations and version changes of events whose inbox rows may have been deleted are skipped, because they were
 * handled when they were new.
 */
export function accountEvents(deps: SessionsDeps): ConsumerOptions {
  const unlessExpired = (effect: typeof revokeForEvent) => async (event: MeshEvent, call: Call) => {
    if (!isExpiredEvent(deps.platform.clock, event)) await effect(deps, event, call);
  };
  const revoke = unlessExpired(revokeForEvent);
  const bump = unlessExpired(bumpForEvent);
  return {
    service: "sessions",
    stream: "USERS",
    handlers: {
      "password.changed": revoke,
      "user.deactivated": revoke,
      "user.deleted": revoke,
      "user.erased": async ({ user_id, event_id, correlation_id }, call) =>
        void (await eraseSessions(deps, call, { userId: user_id, eventId: event_id, correlationId: correlation_id })),
      "role.changed": bump,
      "subscription.changed": bump,
      "tenant.updated": bump,
    },
  };
}

async function revokeForEvent(deps: SessionsDeps, event: MeshEvent, call: Call): Promise<void> {
  const except = typeof event.except_session_id === "string" ? event.except_session_id : undefined;
  await revokeAll(deps, call, {
    userId: event.user_id,
    eventId: event.event_id,
    reason: "account_changed",
    correlationId: event.correlation_id,
    except,
  });
}

/** `scope` is `tenant` if a role's permissions changed for all its members, `none` if no token contains what has changed. */
async function bumpForEvent(deps: SessionsDeps, event: MeshEvent, call: Call): Promise<void> {
  if (event.scope === "none") return;
  const target =
    event.scope === "tenant"
      ? ({ kind: "tenant", id: event.tenant_id } as const)
      : ({ kind: "user", id: event.user_id } as const);
  await bumpTokenVersion(deps, call, { ...target, eventId: event.event_id });
}
