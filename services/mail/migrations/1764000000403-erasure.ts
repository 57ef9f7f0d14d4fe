import { dropErasureGuards, erasureGuards } from "../../../mixins/erasure.ts";
import type { Migration } from "../../../mixins/migration.ts";

const tables = ["messages"].map((table) => ({ table, column: "user_id" }));

export const migration: Migration = {
  name: "MailErasure1764000000403",
  up: erasureGuards("mail", tables),
  down: dropErasureGuards("mail", tables),
};
