import { dropErasureGuards, erasureGuards } from "../../../mixins/erasure.ts";
import type { Migration } from "../../../mixins/migration.ts";

// What else is personal here hangs on the account's row.
const tables = [{ table: "users", column: "id" }];

const erasures = [
  `CREATE TABLE users.erasures (
     id uuid PRIMARY KEY,
     user_id uuid NOT NULL UNIQUE,
     tenant_id uuid NOT NULL,
     requested_by uuid NOT NULL,
     requested_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
     due_at timestamptz(3) NOT NULL,
     deadline timestamptz(3) NOT NULL,
     tried_at timestamptz(3),
     receipts jsonb NOT NULL DEFAULT '{}',
     completed_at timestamptz(3),
     purge_at timestamptz(3)
   )`,
  "COMMENT ON COLUMN users.erasures.tried_at IS 'last time; from the first one on there is no way back'",
  "COMMENT ON COLUMN users.erasures.purge_at IS 'when the streams are purged next; null once that is done for good'",
  "CREATE INDEX erasures_due ON users.erasures (due_at) WHERE completed_at IS NULL",
  "CREATE INDEX erasures_purge ON users.erasures (purge_at) WHERE purge_at IS NOT NULL",
];

export const migration: Migration = {
  name: "UsersErasure1764000000405",
  up: [...erasures, ...erasureGuards("users", tables)],
  down: [...dropErasureGuards("users", tables), "DROP TABLE users.erasures"],
};
