import { requireUser } from "../../../lib/actions/caller.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import type { MeshEvent } from "../../../lib/events/events.ts";
import type { Clock, Random } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Database } from "../../../mixins/database.mixin.ts";
import { insertActivity } from "./activity.repo.ts";

/** Fields with a column of their own, and email addresses and names, which must not get into the log. */
const omittedFromDetails = new Set([
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

/** Events whose actor is the account's owner unless they name another one. */
const ownerEvents: ReadonlySet<MeshEvent["event_type"]> = new Set([
  "user.created",
  "user.verified",
  "user.updated",
  "password.changed",
  "identity.linked",
  "identity.unlinked",
  "preferences.updated",
  "session.created",
]);

/** Idempotent: the entry's id is the event's. */
export async function recordActivity(db: Database, event: MeshEvent): Promise<void> {
  // Snapshots of a recreated stream are not caused by anyone. An import records itself as one entry.
  if (event.snapshot === true || event.imported === true) return;
  await insertActivity(db, {
    id: event.event_id,
    tenant_id: event.tenant_id,
    action: event.event_type,
    actor_id: textOrNull(event.actor_id) ?? (ownerEvents.has(event.event_type) ? event.user_id : null),
    user_id: event.user_id,
    at: event.timestamp,
    ip: textOrNull(event.ip),
    correlation_id: event.correlation_id,
    details: Object.fromEntries(Object.entries(event).filter(([name]) => !omittedFromDetails.has(name))),
  });
}

interface AuditDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** An operation of the caller on the installation, recorded in the log of their home tenant. */
export async function recordAuditEvent(
  { db, clock, random }: AuditDeps,
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

/** An audit event of another service that is not published as an event. */
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
