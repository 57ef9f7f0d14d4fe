/**
 * The events that webhooks send, each with the fields that receivers get in addition to `publicEnvelope`. A field that is not
 * listed is private and is not sent: for example names, addresses, IP addresses, languages, names of operators, and free text
 * such as the reason for a deactivation. Receivers read from the API what they have permission to read.
 */
export const publicEventFields = {
  "user.created": ["is_verified", "is_active", "invited", "imported", "roles"],
  "user.updated": ["updated_fields"],
  "user.verified": [],
  "user.deactivated": [],
  "user.reactivated": [],
  "user.deleted": ["erase_at"],
  "user.erased": ["erasure_id"],
  "password.changed": ["first_proof"],
  "identity.linked": ["provider"],
  "identity.unlinked": ["provider"],
  "preferences.updated": ["updated_fields"],
  "subscription.changed": ["plan", "expires_at"],
  "role.changed": ["scope", "change", "role", "former_role", "permissions", "roles", "added", "removed"],
  "tenant.created": ["slug"],
  "tenant.updated": ["updated_fields"],
  "session.created": ["session_id"],
  "session.revoked": ["session_ids", "reason"],
  "token.reused": ["session_id"],
} as const;

export type PublicEventType = keyof typeof publicEventFields;
export const publicEventTypes = Object.keys(publicEventFields) as [PublicEventType, ...PublicEventType[]];

/** The fields that receivers get of every event. */
export const publicEnvelope = ["user_id", "tenant_id", "source", "version", "actor_id"] as const;
