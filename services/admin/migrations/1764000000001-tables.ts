import type { Migration } from "../../../mixins/migration.ts";
import { serviceTables } from "../../../mixins/service-tables.ts";

export const migration: Migration = {
  name: "AdminTables1764000000001",
  up: [
    // The id is the event's, so that an event that comes twice is written down once.
    `CREATE TABLE admin.activity (
       id uuid PRIMARY KEY,
       tenant_id uuid NOT NULL,
       action text NOT NULL,
       actor_id uuid,
       user_id uuid,
       at timestamptz(3) NOT NULL,
       ip text,
       correlation_id text,
       details jsonb NOT NULL DEFAULT '{}'
     )`,
    "CREATE INDEX activity_tenant ON admin.activity (tenant_id, at, id)",
    "CREATE INDEX activity_action ON admin.activity (tenant_id, action, at, id)",
    "CREATE INDEX activity_actor ON admin.activity (tenant_id, actor_id, at, id)",
    "CREATE INDEX activity_user ON admin.activity (user_id, at, id)",
    ...serviceTables("admin"),
  ],
  down: [
    "DROP FUNCTION admin.append_event",
    "DROP TABLE admin.activity, admin.erased, admin.idempotency, admin.inbox, admin.outbox, admin.event_counters",
  ],
};
