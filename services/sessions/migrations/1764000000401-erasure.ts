import { dropErasureGuards, erasureGuards } from "../../../mixins/erasure.ts";
import type { Migration } from "../../../mixins/migration.ts";

const tables = ["sessions"].map((table) => ({ table, column: "user_id" }));

export const migration: Migration = {
  name: "SessionsErasure1764000000401",
  up: erasureGuards("sessions", tables),
  down: dropErasureGuards("sessions", tables),
};
