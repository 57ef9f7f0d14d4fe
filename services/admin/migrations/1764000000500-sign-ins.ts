import type { Migration } from "../../../mixins/migration.ts";

export const migration: Migration = {
  name: "AdminSignIns1764000000500",
  up: [
    "CREATE INDEX activity_sign_ins ON admin.activity (at, action) WHERE action IN ('session.created', 'sign_in.refused')",
  ],
  down: ["DROP INDEX admin.activity_sign_ins"],
};
