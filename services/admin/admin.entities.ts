import { defineEntity, jsonb, nullable, primary, text, timestampMs, uuid } from "../../lib/database/entity.ts";

export const Activity = defineEntity("admin", "activity", {
  id: primary(uuid),
  tenant_id: uuid,
  action: text,
  actor_id: nullable(uuid),
  user_id: nullable(uuid),
  at: timestampMs,
  ip: nullable(text),
  correlation_id: nullable(text),
  details: jsonb<Record<string, unknown>>(),
});

export const adminEntities = [Activity] as const;
