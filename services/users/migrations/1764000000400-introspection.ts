import type { Migration } from "../../../mixins/migration.ts";

export const migration: Migration = {
  name: "Introspection1764000000400",
  up: [
    `UPDATE users.roles SET permissions = ARRAY(SELECT unnest(permissions || 'platform:introspect'::text) ORDER BY 1)
     WHERE system AND name = 'vendor'`,
  ],
  down: [
    "UPDATE users.roles SET permissions = array_remove(permissions, 'platform:introspect') WHERE system AND name = 'vendor'",
  ],
};
