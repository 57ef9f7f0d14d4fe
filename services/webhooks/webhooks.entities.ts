import type { PublicEventType } from "../../lib/contracts/public-events.contract.ts";
import {
  array,
  boolean,
  defineEntity,
  int,
  nullable,
  primary,
  type RowOf,
  text,
  textOf,
  timestamp,
  timestampMs,
  uuid,
} from "../../lib/database/entity.ts";

export const Endpoints = defineEntity("webhooks", "endpoints", {
  id: primary(uuid),
  tenant_id: uuid,
  url: text,
  description: nullable(text),
  /** Null for all types. */
  event_types: nullable(array(textOf<PublicEventType>())),
  is_enabled: boolean,
  disabled_reason: nullable(textOf<"administrator" | "failing" | "gone">()),
  /** Sealed under the key ring. */
  secret: text,
  /** Signs beside `secret` until `previous_secret_until`. */
  previous_secret: nullable(text),
  previous_secret_until: nullable(timestamp),
  /** The first failure since the last success. */
  failing_since: nullable(timestampMs),
  /** No request is made before this time. */
  retry_at: nullable(timestamp),
  created_at: timestampMs,
  updated_at: timestampMs,
});

export const Deliveries = defineEntity("webhooks", "deliveries", {
  id: primary(uuid),
  endpoint_id: uuid,
  tenant_id: uuid,
  /** The user whom the event is about, with whom the row is erased. Null for tests and for `user.erased`. */
  user_id: nullable(uuid),
  /** `webhook-id`: the id of the event, the same for all endpoints and all attempts. */
  message_id: uuid,
  event_type: textOf<PublicEventType | "webhook.test">(),
  /** The request body, byte for byte, because its signature depends on it. */
  payload: text,
  /** The job whose attempts count: a redelivery replaces it. */
  run_id: uuid,
  run_started_at: timestamp,
  state: textOf<"pending" | "delivered" | "failed">(),
  attempts: int,
  last_attempt_at: nullable(timestampMs),
  status_code: nullable(int),
  error: nullable(text),
  duration_ms: nullable(int),
  created_at: timestampMs,
});

/** Tenants whose rows were erased: no endpoint can be created for them any more. */
export const ErasedTenants = defineEntity("webhooks", "erased_tenants", { tenant_id: primary(uuid), at: timestamp });

export const webhooksEntities = [Endpoints, Deliveries, ErasedTenants] as const;

export type EndpointRow = RowOf<typeof Endpoints>;
export type DeliveryRow = RowOf<typeof Deliveries>;
