import type { Migration } from "../../../mixins/migration.ts";
import { serviceTables } from "../../../mixins/service-tables.ts";

export const migration: Migration = {
  name: "PreferencesTables1764000000001",
  up: [
    // `chosen` holds what differs from the defaults; `claimed` is false until the account of the row is known to exist.
    `CREATE TABLE preferences.preferences (
       user_id uuid PRIMARY KEY,
       chosen jsonb NOT NULL DEFAULT '{}',
       claimed boolean NOT NULL,
       created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
       updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
     )`,
    "CREATE INDEX preferences_unclaimed ON preferences.preferences (created_at) WHERE NOT claimed",
    ...serviceTables("preferences"),
  ],
  down: [
    "DROP FUNCTION preferences.state_event",
    `DROP TABLE preferences.preferences, preferences.erased, preferences.idempotency, preferences.inbox,
       preferences.outbox, preferences.event_counters`,
  ],
};
