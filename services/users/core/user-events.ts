import { originOf, requireUser } from "../../../lib/actions/caller.ts";
import type { EventType } from "../../../lib/events/events.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { NewEvent, Outbox } from "../../../mixins/outbox/outbox.mixin.ts";
import { earlierNames } from "../contract/users-shapes.contract.ts";
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
  readonly data?: Readonly<Record<string, unknown>> & { readonly updated_fields?: readonly string[] };
}

/** Records an event about an account, with the name and address to write to. Resolves to the event's id. */
export function appendUserEvent(outbox: Outbox, tx: Transaction, cause: Cause, event: UserEvent): Promise<string> {
  return outbox.append(tx, toOutboxEvent(cause, event));
}

export function appendUserEvents(
  outbox: Outbox,
  tx: Transaction,
  cause: Cause,
  events: readonly UserEvent[],
): Promise<void> {
  return outbox.appendAll(
    tx,
    events.map((event) => toOutboxEvent(cause, event)),
  );
}

interface TenantEvent {
  readonly type: "tenant.created" | "tenant.updated" | "role.changed";
  readonly tenantId: string;
  /** `tenant` if the change invalidates every access token of the tenant, `none` if it invalidates no token. */
  readonly scope: "tenant" | "none";
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Records an event about a tenant or one of its roles. Events are ordered per user, so this one is filed under the user
 * who acted: `user_id` equals `actor_id`. Resolves to the event's id.
 */
export function appendTenantEvent(
  outbox: Outbox,
  tx: Transaction,
  cause: Cause,
  { type, tenantId, scope, data }: TenantEvent,
): Promise<string> {
  const userId = requireUser(cause.caller).user_id;
  const { correlationId } = cause;
  return outbox.append(tx, { type, userId, tenantId, correlationId, data: { ...data, scope, ...originOf(cause) } });
}

function toOutboxEvent(cause: Cause, { type, user, eventId, data }: UserEvent): NewEvent {
  const { id, tenant_id, email, full_name } = user;
  const updated = data?.updated_fields && { updated_fields: withEarlierNames(data.updated_fields) };
  return {
    type,
    userId: id,
    tenantId: tenant_id,
    correlationId: cause.correlationId,
    ...(eventId !== undefined && { eventId }),
    data: { ...data, ...updated, email, name: full_name, ...originOf(cause) },
  };
}

/** One contract for all consumers: those of earlier systems look for the names that they know. */
export function withEarlierNames(fields: readonly string[]): string[] {
  return fields.flatMap((name) => [name, earlierNames[name] ?? []].flat());
}
