import type { Call } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { type Consumption, isExpiredEvent } from "../../../mixins/event-consumer.mixin.ts";
import { eraseSessions } from "../personal-data/erase.ts";
import { revokeAll } from "../session/revoke-all.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { bumpTokenVersion } from "./bump-token-version.ts";

/**
 * What others state about accounts. Each is one operation with the call that its service makes: the event finds that
 * call's work done, and does it where the call was lost.
 */
export function accountEvents(deps: SessionsDeps): Consumption {
  const unlessHistory = (effect: typeof revokeForEvent) => async (event: MeshEvent, call: Call) => {
    if (!isExpiredEvent(deps.platform.clock, event)) await effect(deps, event, call);
  };
  const ends = unlessHistory(revokeForEvent);
  const outdates = unlessHistory(bumpForEvent);
  return {
    service: "sessions",
    stream: "USERS",
    effects: {
      "password.changed": ends,
      "user.deactivated": ends,
      "user.deleted": ends,
      "user.erased": async ({ user_id, event_id, correlation_id }, call) =>
        void (await eraseSessions(deps, call, { userId: user_id, eventId: event_id, correlationId: correlation_id })),
      "role.changed": outdates,
      "subscription.changed": outdates,
      "tenant.updated": outdates,
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

/** `scope`: `tenant` where the permissions of a role have changed, not who has it; `none` where no token says anything of it. */
async function bumpForEvent(deps: SessionsDeps, event: MeshEvent, call: Call): Promise<void> {
  if (event.scope === "none") return;
  const target =
    event.scope === "tenant"
      ? ({ kind: "tenant", id: event.tenant_id } as const)
      : ({ kind: "user", id: event.user_id } as const);
  await bumpTokenVersion(deps, call, { ...target, eventId: event.event_id });
}
