import { dropErasureGuards, erasureGuards } from "../../../mixins/erasure.ts";
import type { Migration } from "../../../mixins/migration.ts";

const tables = ["credentials", "identities", "one_time_tokens", "login_attempts", "oauth_states", "oauth_codes"].map(
  (table) => ({ table, column: "user_id" }),
);

export const migration: Migration = {
  name: "AuthErasure1764000000400",
  up: erasureGuards("auth", tables),
  down: dropErasureGuards("auth", tables),
};
