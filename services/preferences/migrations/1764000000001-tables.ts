import type { Migration } from "../../../mixins/migration.ts";
import { serviceTables } from "../../../mixins/service-tables.ts";

export const migration: Migration = {
  name: "PreferencesTables1764000000001",
  up: [
    // `overrides` holds what differs from the defaults; `confirmed` is false until the account of the row is known to exist.
    `CREATE TABLE preferences.preferences (
       user_id uuid PRIMARY KEY,
       overrides jsonb NOT NULL DEFAULT '{}',
       confirmed boolean NOT NULL,
       created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
       updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
     )`,
    "CREATE INDEX preferences_unconfirmed ON preferences.preferences (created_at) WHERE NOT confirmed",
    ...serviceTables("preferences"),
  ],
  down: [
    "DROP FUNCTION preferences.append_event",
    `DROP TABLE preferences.preferences, preferences.erased, preferences.idempotency, preferences.inbox,
       preferences.outbox, preferences.event_counters`,
  ],
};
