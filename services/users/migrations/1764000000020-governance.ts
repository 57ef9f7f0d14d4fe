import type { Migration } from "../../../mixins/migration.ts";

/**
 * The event that stated the present roles, permissions or settings: a request that comes again confirms by it what an
 * earlier one could not.
 */
export const migration: Migration = {
  name: "UsersGovernance1764000000020",
  up: [
    "ALTER TABLE users.users ADD COLUMN roles_event_id uuid",
    "ALTER TABLE users.roles ADD COLUMN event_id uuid",
    "ALTER TABLE users.tenants ADD COLUMN settings_event_id uuid",
  ],
  down: [
    "ALTER TABLE users.tenants DROP COLUMN settings_event_id",
    "ALTER TABLE users.roles DROP COLUMN event_id",
    "ALTER TABLE users.users DROP COLUMN roles_event_id",
  ],
};
