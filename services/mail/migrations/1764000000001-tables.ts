import type { Migration } from "../../../mixins/migration.ts";
import { serviceTables } from "../../../mixins/service-tables.ts";

export const migration: Migration = {
  name: "MailTables1764000000001",
  up: [
    // Ids only: an address or a name is asked for when a message is sent, and kept nowhere.
    `CREATE TABLE mail.messages (
       id uuid PRIMARY KEY,
       kind text NOT NULL,
       user_id uuid NOT NULL,
       tenant_id uuid NOT NULL,
       state text NOT NULL CHECK (state IN ('sending', 'sent', 'skipped')),
       locked_by uuid,
       locked_until timestamptz,
       sent_at timestamptz,
       confirmed_at timestamptz,
       created_at timestamptz NOT NULL DEFAULT clock_timestamp()
     )`,
    "CREATE INDEX messages_created ON mail.messages (created_at)",
    "CREATE INDEX messages_user ON mail.messages (user_id)",
    ...serviceTables("mail"),
  ],
  down: [
    "DROP TABLE mail.messages, mail.event_counters, mail.outbox, mail.inbox, mail.idempotency, mail.erased",
    "DROP FUNCTION mail.append_event(uuid, uuid, jsonb)",
  ],
};
