import type { Migration } from "../../../mixins/migration.ts";

const created = (included: string) => [
  "DROP INDEX users.users_created",
  `CREATE INDEX users_created ON users.users (tenant_id, created_at, id)${included} WHERE deleted_at IS NULL`,
];

export const migration: Migration = {
  name: "UsersLists1764000000520",
  // The active accounts are counted from it too, and no table is read for it.
  up: created(" INCLUDE (is_active)"),
  down: created(""),
};
