import type { Migration } from "../../../mixins/migration.ts";

export const migration: Migration = {
  name: "UsersProfileKeys1764000000301",
  up: [
    // A sealed value begins with `v1.<key>.`: finds those under an older key of the ring.
    `CREATE INDEX profiles_key ON users.profiles ((split_part(sealed, '.', 2))) WHERE sealed IS NOT NULL`,
  ],
  down: ["DROP INDEX users.profiles_key"],
};
