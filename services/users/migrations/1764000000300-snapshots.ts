import type { Migration } from "../../../mixins/migration.ts";

export const migration: Migration = {
  name: "UsersSnapshots1764000000300",
  up: [
    // How far each incarnation of a stream has been told of the accounts there are.
    `CREATE TABLE users.snapshots (
       stream text PRIMARY KEY,
       cursor uuid,
       done boolean NOT NULL DEFAULT false,
       at timestamptz NOT NULL DEFAULT clock_timestamp()
     )`,
  ],
  down: ["DROP TABLE users.snapshots"],
};
