import type { ActionContext, Call } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import { derivedId } from "../../../lib/runtime/ids.ts";
import { claimInbox, isExpiredEvent } from "../../../mixins/event-consumer.mixin.ts";
import type { AuthDeps } from "../dependencies.ts";
import { completeProof } from "./complete-proof.ts";
import { type ProvenAccount, revokeEarlierAccess } from "./revoke-earlier-access.ts";

type Deps = Pick<AuthDeps, "db" | "outbox" | "oauth">;

interface Confirmation {
  readonly user_id: string;
  /** The event of the administrator's change. */
  readonly event_id: string;
}

/**
 * After an administrator has confirmed the address of an unverified account. The administrator vouches for the address,
 * not for the person who registered it: its owner sets a password with a reset. Once per event id, for the call by users
 * and the event together.
 */
export async function revokeConfirmedByAdmin(
  deps: Deps,
  { call, correlationId }: Pick<ActionContext, "call" | "correlationId">,
  { user_id, event_id }: Confirmation,
): Promise<Record<string, never>> {
  const account = await call("users.signInView", { id: user_id });
  if (!account) return {};
  const eventId = derivedId("earlier-access", event_id);
  await revokeOnce(deps, account, event_id, eventId, correlationId);
  await completeProof({ call }, account, eventId);
  return {};
}

function revokeOnce(
  { db, outbox, oauth }: Deps,
  account: ProvenAccount,
  causedBy: string,
  eventId: string,
  correlationId: string,
): Promise<void> {
  const proof = { kind: "administrator", wasProven: false, unlinkProviders: false } as const;
  return db.transaction(async (tx) => {
    if (!(await claimInbox(db, tx, causedBy, "confirmed-by-admin"))) return;
    await revokeEarlierAccess({ outbox, oauth }, tx, { account, proof, eventId, correlationId });
  });
}

/** On `user.updated`, in case the call was lost. */
export async function onConfirmedByAdmin(
  deps: Deps & Pick<AuthDeps, "clock">,
  event: MeshEvent,
  call: Call,
): Promise<void> {
  if (event.confirmed_by_admin !== true || isExpiredEvent(deps.clock, event)) return;
  await revokeConfirmedByAdmin(deps, { call, correlationId: event.correlation_id }, event);
}
