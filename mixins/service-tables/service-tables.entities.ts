import {
  bigint,
  defineEntity,
  int,
  json,
  jsonb,
  nullable,
  primary,
  text,
  textOf,
  timestamp,
  uuid,
} from "../../lib/database/entity.ts";

export type ServiceEntities = ReturnType<typeof serviceEntities>;

/** The tables that every service has in its schema. */
export function serviceEntities(schema: string) {
  return {
    eventCounters: defineEntity(schema, "event_counters", { user_id: primary(uuid), version: int }),
    outbox: defineEntity(schema, "outbox", {
      id: primary(bigint),
      kind: textOf<"event" | "job">(),
      event_id: uuid,
      user_id: uuid,
      body: jsonb<unknown>(),
      created_at: timestamp,
      published_at: nullable(timestamp),
    }),
    inbox: defineEntity(schema, "inbox", { event_id: primary(uuid), operation: primary(text), at: timestamp }),
    idempotency: defineEntity(schema, "idempotency", {
      scope: primary(text),
      key: primary(text),
      body_kid: text,
      body_mac: text,
      user_id: nullable(uuid),
      answer: nullable(json<unknown>()),
      created_at: timestamp,
    }),
    erased: defineEntity(schema, "erased", { user_id: primary(uuid), at: timestamp }),
  };
}
