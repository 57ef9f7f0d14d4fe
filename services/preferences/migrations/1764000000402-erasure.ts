import { dropErasureGuards, erasureGuards } from "../../../mixins/erasure.ts";
import type { Migration } from "../../../mixins/migration.ts";

const tables = ["preferences"].map((table) => ({ table, column: "user_id" }));

export const migration: Migration = {
  name: "PreferencesErasure1764000000402",
  up: erasureGuards("preferences", tables),
  down: dropErasureGuards("preferences", tables),
};
