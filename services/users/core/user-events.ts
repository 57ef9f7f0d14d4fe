import type { EventType } from "../../../lib/events/events.ts";
import type { Transaction } from "../../../mixins/database.mixin.ts";
import type { Fact, Outbox } from "../../../mixins/outbox.mixin.ts";
import type { Cause } from "./users.deps.ts";

interface UserEvent {
  readonly type: Extract<EventType, `user.${string}` | "subscription.changed" | "role.changed">;
  readonly user: {
    readonly id: string;
    readonly tenant_id: string;
    readonly email: string;
    readonly full_name: string | null;
  };
  readonly eventId?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** States a fact about an account with what every `user.*` says: whom to write to, and who did it from where. */
export function appendUserEvent(outbox: Outbox, tx: Transaction, cause: Cause, fact: UserEvent): Promise<string> {
  return outbox.append(tx, userFact(cause, fact));
}

export function appendUserEvents(
  outbox: Outbox,
  tx: Transaction,
  cause: Cause,
  facts: readonly UserEvent[],
): Promise<void> {
  return outbox.appendAll(
    tx,
    facts.map((fact) => userFact(cause, fact)),
  );
}

function userFact({ caller, client, correlationId }: Cause, fact: UserEvent): Fact {
  const { id, tenant_id, email, full_name } = fact.user;
  return {
    type: fact.type,
    userId: id,
    tenantId: tenant_id,
    correlationId,
    ...(fact.eventId !== undefined && { eventId: fact.eventId }),
    data: {
      ...fact.data,
      email,
      name: full_name,
      ...(caller.kind === "user" && { actor_id: caller.user_id }),
      ...(client.ip !== "" && { ip: client.ip }),
    },
  };
}
