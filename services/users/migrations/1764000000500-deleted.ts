import type { Migration } from "../../../mixins/migration.ts";

export const migration: Migration = {
  name: "UsersDeleted1764000000500",
  // Few rows: an account waits for its erasure for some weeks.
  up: ["CREATE INDEX users_deleted ON users.users (tenant_id, created_at, id) WHERE deleted_at IS NOT NULL"],
  down: ["DROP INDEX users.users_deleted"],
};
