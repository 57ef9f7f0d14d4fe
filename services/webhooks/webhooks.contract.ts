import * as z from "zod";
import { action, asAdministrator, asUserWith, byService, contract } from "../../lib/actions/contract.ts";
import * as field from "../../lib/actions/schemas.ts";
import { keyUsageAction } from "../../lib/contracts/key-usage.contract.ts";
import { outboxActions } from "../../lib/contracts/outbox.contract.ts";
import { eraseAction, exportAction } from "../../lib/contracts/personal-data.contract.ts";
import { publicEventTypes } from "../../lib/contracts/public-events.contract.ts";

/** Contains ids only. The job's own id is the delivery's `run_id`. */
export const WebhookJob = z.strictObject({ id: field.Id, correlation_id: z.string() });
export type WebhookJob = z.infer<typeof WebhookJob>;

const EventTypes = z.array(z.enum(publicEventTypes)).min(1).max(publicEventTypes.length).nullable();

export const Webhook = z
  .strictObject({
    id: field.Id,
    url: z.string(),
    description: z.string().nullable(),
    event_types: EventTypes,
    is_enabled: z.boolean(),
    disabled_reason: z.enum(["administrator", "failing", "gone"]).nullable(),
    failing_since: field.Timestamp.nullable(),
    previous_secret_until: field.Timestamp.nullable(),
    created_at: field.Timestamp,
    updated_at: field.Timestamp,
  })
  .meta({ id: "Webhook" });

export const WebhookWithSecret = Webhook.extend({
  secret: z.string().meta({ example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
}).meta({ id: "WebhookWithSecret" });

const DeliveryState = z.enum(["pending", "delivered", "failed"]);

export const WebhookDelivery = z
  .strictObject({
    id: field.Id,
    message_id: field.Id,
    event_type: z.string(),
    payload: field.JsonValue,
    state: DeliveryState,
    attempts: z.int(),
    last_attempt_at: field.Timestamp.nullable(),
    status_code: z.int().nullable(),
    error: z.string().nullable(),
    duration_ms: z.int().nullable(),
    created_at: field.Timestamp,
  })
  .meta({ id: "WebhookDelivery" });

const settings = {
  description: field.Text[255].nullable().optional(),
  event_types: EventTypes.optional(),
};
const byId = z.strictObject({ id: field.Id });
const reads = asAdministrator("webhooks:read");
/** Not for operators: each change is an event, which is filed under the user who made it. */
const writes = asUserWith("webhooks:write");

/** Reports events of a tenant to HTTP servers of its choice, signed as in Standard Webhooks. */
export const webhooksContract = contract("webhooks", {
  requiredPermissions: ["activity:record"],
  actions: {
    list: action({ params: field.Empty, result: z.array(Webhook), access: reads, idempotent: true }),
    get: action({ params: byId, result: Webhook, access: reads, idempotent: true }),
    /** 409 `webhook_limit_reached`. The secret is not shown again. */
    create: action({
      params: z.strictObject({ url: field.Url, ...settings }),
      result: WebhookWithSecret,
      access: writes,
    }),
    update: action({
      params: z.strictObject({
        id: field.Id,
        url: field.Url.optional(),
        ...settings,
        is_enabled: z.boolean().optional(),
      }),
      result: Webhook,
      access: writes,
    }),
    delete: action({ params: byId, result: field.Empty, access: writes }),
    /** Replaces the secret. For a day, messages are signed with the new one and with the previous one. */
    rotateSecret: action({ params: byId, result: WebhookWithSecret, access: writes }),
    /** Sends a message of type `webhook.test`, which is not repeated if it fails. 409 `webhook_disabled`. */
    test: action({ params: byId, result: WebhookDelivery, access: writes }),
    deliveries: action({
      params: z.object({
        id: field.Id,
        state: DeliveryState.optional(),
        limit: field.Limit,
        cursor: field.Cursor,
      }),
      result: field.pageOf(WebhookDelivery),
      access: reads,
      idempotent: true,
    }),
    /** Sends a message again now, with all attempts, whether it was delivered or not. 409 `webhook_disabled`. */
    redeliver: action({
      params: z.strictObject({ id: field.Id, delivery_id: field.Id }),
      result: WebhookDelivery,
      access: writes,
    }),
    /**
     * One attempt. `failed`: try again later. `skipped`: there is nothing to send any more, because the message was
     * delivered or is sent by another job, or its endpoint is disabled or was deleted. `postponed`: nothing was sent,
     * because many requests of the tenant are running; try again in `retry_in_ms`. `given_up`: no further attempt follows.
     */
    deliver: action({
      params: z.strictObject({ id: field.Id, run_id: field.Id, is_last_attempt: z.boolean() }),
      result: z.strictObject({
        outcome: z.enum(["delivered", "failed", "given_up", "skipped", "postponed"]),
        error: z.string().nullable(),
        retry_in_ms: z.int().optional(),
      }),
      access: byService("webhooks:deliver"),
      timeout: 20_000,
    }),
    erase: action(eraseAction),
    /** Deletes everything of a tenant, for good. Safe to repeat. */
    eraseTenant: action({
      params: z.strictObject({ tenant_id: field.Id }),
      result: field.Empty,
      access: byService("data:erase"),
      timeout: 60_000,
    }),
    export: action(exportAction),
    ...outboxActions,
    keyUsage: action(keyUsageAction),
    /** Reseals secrets under the active key of the key ring. */
    rotateKeys: action({
      params: field.Empty,
      result: z.strictObject({ secrets_resealed: z.int() }),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
    /** Deletes deliveries after 30 days, expired secrets, and old outbox, inbox and idempotency rows. */
    sweep: action({
      params: field.Empty,
      result: z.record(z.string(), z.int()),
      access: byService("maintenance:run"),
      timeout: 60_000,
    }),
  },
});
