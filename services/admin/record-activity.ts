import { requireUser } from "../../lib/actions/caller.ts";
import type { ActionContext, Actions } from "../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../lib/events/events.ts";
import type { Clock, Random } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { insertActivity } from "./activity.repo.ts";

/** What every event says has a column of its own; an address or a name has no place in a log. */
const notDetails = new Set([
  "event_id",
  "event_type",
  "source",
  "version",
  "schema_version",
  "user_id",
  "tenant_id",
  "timestamp",
  "correlation_id",
  "email",
  "name",
  "actor_id",
  "ip",
]);

/** What the account's owner does, where the event names no other. */
const ownActs: ReadonlySet<MeshEvent["event_type"]> = new Set([
  "user.created",
  "user.verified",
  "user.updated",
  "password.changed",
  "identity.linked",
  "identity.unlinked",
  "preferences.updated",
  "session.created",
]);

/** An event that comes twice is one entry: the entry's id is the event's. */
export async function recordActivity(db: Database, event: MeshEvent): Promise<void> {
  // Tells a new stream how an account is: nobody has done anything. An import is one act, and notes itself as one.
  if (event.snapshot === true || event.imported === true) return;
  await insertActivity(db, {
    id: event.event_id,
    tenant_id: event.tenant_id,
    action: event.event_type,
    actor_id: textOrNull(event.actor_id) ?? (ownActs.has(event.event_type) ? event.user_id : null),
    user_id: event.user_id,
    at: event.timestamp,
    ip: textOrNull(event.ip),
    correlation_id: event.correlation_id,
    details: Object.fromEntries(Object.entries(event).filter(([name]) => !notDetails.has(name))),
  });
}

interface Parts {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** An act of the caller on the installation; it stands in the log of his own tenant. */
export async function recordAuditEvent(
  { db, clock, random }: Parts,
  { caller, client, correlationId }: Pick<ActionContext, "caller" | "client" | "correlationId">,
  action: string,
  details: Record<string, string>,
): Promise<void> {
  const { user_id, home_tenant_id } = requireUser(caller);
  await insertActivity(db, {
    id: newId(clock, random),
    tenant_id: home_tenant_id,
    action,
    actor_id: user_id,
    user_id: null,
    at: clock.now().toISOString(),
    ip: textOrNull(client.ip),
    correlation_id: correlationId,
    details,
  });
}

/** An act that no event tells of. */
export async function insertAuditEvent(
  db: Database,
  { params, correlationId }: ActionContext<Actions["admin.record"]["params"]>,
): Promise<Record<string, never>> {
  await insertActivity(db, { ...params, correlation_id: correlationId });
  return {};
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
