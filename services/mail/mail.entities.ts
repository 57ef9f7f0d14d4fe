import { defineEntity, jsonb, nullable, primary, text, textOf, timestamp, uuid } from "../../lib/database/entity.ts";

export const Messages = defineEntity("mail", "messages", {
  id: primary(uuid),
  kind: text,
  user_id: uuid,
  tenant_id: uuid,
  state: textOf<"pending" | "sent" | "skipped">(),
  locked_by: nullable(uuid),
  locked_until: nullable(timestamp),
  sent_at: nullable(timestamp),
  /** When the auth and users services had been told that the mail was sent. */
  confirmed_at: nullable(timestamp),
  created_at: timestamp,
});

export const Pushes = defineEntity("mail", "pushes", {
  id: primary(uuid),
  user_id: uuid,
  title: nullable(text),
  body: nullable(text),
  data: nullable(jsonb<Readonly<Record<string, string>>>()),
  state: textOf<"pending" | "sent" | "skipped">(),
  reason: nullable(textOf<"no_account" | "inactive" | "not_wanted" | "no_token" | "unknown_token" | "token_gone">()),
  locked_by: nullable(uuid),
  locked_until: nullable(timestamp),
  sent_at: nullable(timestamp),
  created_at: timestamp,
});

export const mailEntities = [Messages, Pushes] as const;
