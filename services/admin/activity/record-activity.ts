import { DEFAULT_TENANT_ID, operatorName, requireAdministrator } from "../../../lib/actions/caller.ts";
import type { ActionContext, Actions } from "../../../lib/actions/typed-call.ts";
import { actorOfEvent, type MeshEvent } from "../../../lib/events/events.ts";
import type { Clock, Random } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { insertActivity } from "./activity.repo.ts";

/** Fields that have their own column, and email addresses and names, which must not get into the log. */
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
  "actor",
  "replay",
  "ip",
  "languages",
]);

/** May be repeated, because the entry has the event's id. */
export async function recordActivity(db: Database, event: MeshEvent): Promise<void> {
  // Events of a snapshot repeat what was recorded before. An import is recorded as one audit event, not once per user.
  if (event.snapshot === true || event.imported === true) return;
  await insertActivity(db, {
    id: event.event_id,
    tenant_id: event.tenant_id,
    action: event.event_type,
    actor_id: actorOfEvent(event),
    actor: textOrNull(event.actor),
    user_id: event.user_id,
    at: event.timestamp,
    ip: textOrNull(event.ip),
    correlation_id: event.correlation_id,
    details: Object.fromEntries(Object.entries(event).filter(([name]) => !omittedFromDetails.has(name))),
  });
}

interface OperationDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** Records an operation on the installation in the log of the caller's home tenant, or in that of the default tenant. */
export async function recordOperation(
  { db, clock, random }: OperationDeps,
  { caller, client, correlationId }: Pick<ActionContext, "caller" | "client" | "correlationId">,
  action: string,
  details: Record<string, string>,
): Promise<void> {
  const { user_id, home_tenant_id } = requireAdministrator(caller);
  await insertActivity(db, {
    id: newId(clock, random),
    tenant_id: home_tenant_id ?? DEFAULT_TENANT_ID,
    action,
    actor_id: user_id,
    actor: caller.kind === "operator" ? operatorName(caller) : null,
    user_id: null,
    at: clock.now().toISOString(),
    ip: textOrNull(client.ip),
    correlation_id: correlationId,
    details,
  });
}

/** Records an audit event that another service reports with a call. */
export async function recordAuditEvent(
  db: Database,
  { params, correlationId }: ActionContext<Actions["admin.record"]["params"]>,
): Promise<Record<string, never>> {
  await insertActivity(db, { ...params, actor: params.actor ?? null, correlation_id: correlationId });
  return {};
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
