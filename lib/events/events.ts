import * as z from "zod";
import * as field from "../actions/schemas.ts";

/**
 * Events of the mesh. An event is recorded in the transaction of the change and delivered at least once, per user and
 * source in the order of `version`.
 */
export const eventTypes = [
  "user.created",
  "user.updated",
  "user.verified",
  "user.deactivated",
  "user.reactivated",
  "user.deleted",
  "user.erased",
  "password.changed",
  "identity.linked",
  "identity.unlinked",
  "preferences.updated",
  "subscription.changed",
  "role.changed",
  "tenant.created",
  "tenant.updated",
  "webhook.changed",
  "session.created",
  "session.revoked",
  "token.reused",
] as const;
export type EventType = (typeof eventTypes)[number];

export const MeshEvent = z
  .object({
    event_id: field.Id,
    event_type: z.enum(eventTypes),
    /** The service that recorded the event. */
    source: z.string(),
    /** Consecutive number of the user's events of this source, from 1. */
    version: z.int(),
    schema_version: z.literal(1),
    user_id: field.Id,
    tenant_id: field.Id,
    timestamp: field.Timestamp,
    correlation_id: z.string(),
    /** On all `user.*` events. */
    email: z.string().optional(),
    name: z.string().nullable().optional(),
    /** On `user.updated` events that rebuild a recreated stream; no user action caused them. */
    snapshot: z.literal(true).optional(),
    /** On `user.created` events of imported accounts, which may be verified or disabled: `is_verified`, `is_active`. */
    imported: z.literal(true).optional(),
    /** Id of the replay, on an event that an operator has published again. */
    replay: field.Id.optional(),
    /** W3C trace context of what caused the event, if that is traced; also a header of the message. */
    traceparent: z.string().optional(),
    /** On `user.updated` events. */
    updated_fields: z.array(z.string()).optional(),
    /** Languages that the causing request accepts, the most wanted first. Mails about the event use them. */
    languages: field.Languages.optional(),
    /** The user who caused the event, if one did. */
    actor_id: field.Id.optional(),
    /** The operator who caused the event, as `operator:<name>`; then there is no `actor_id`. */
    actor: z.string().optional(),
    /**
     * On `role.changed`, `tenant.*` and `webhook.changed`: what the event is about. `user`: the roles of `user_id`. Otherwise
     * the tenant, one of its roles or one of its webhooks; then `user_id` equals `actor_id` and is the user who acted, among
     * whose events this one is ordered.
     */
    scope: z.enum(["user", "tenant", "none"]).optional(),
  })
  .catchall(z.json());
export type MeshEvent = z.infer<typeof MeshEvent>;

export type StreamName = "USERS" | "SESSIONS";

export function streamOf(type: EventType): StreamName {
  return type.startsWith("session.") || type === "token.reused" ? "SESSIONS" : "USERS";
}

/** `users.v1.<tenant>.<user>` or `sessions.v1.<tenant>.<user>`. */
export function subjectOf(event: Pick<MeshEvent, "event_type" | "tenant_id" | "user_id">): string {
  return `${streamOf(event.event_type).toLowerCase()}.v1.${event.tenant_id}.${event.user_id}`;
}

/** Events whose actor is the user unless they name another actor. */
const eventsCausedByUser: ReadonlySet<EventType> = new Set([
  "user.created",
  "user.verified",
  "user.updated",
  "password.changed",
  "identity.linked",
  "identity.unlinked",
  "preferences.updated",
  "session.created",
]);

/** The user who caused the event, or null if it does not say. */
export function actorOfEvent(event: Pick<MeshEvent, "event_type" | "user_id" | "actor_id" | "actor">): string | null {
  if (event.actor !== undefined) return null;
  return event.actor_id || (eventsCausedByUser.has(event.event_type) ? event.user_id : null);
}
