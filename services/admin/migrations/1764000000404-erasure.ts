import { dropErasureGuards, erasureGuards } from "../../../mixins/erasure.ts";
import type { Migration } from "../../../mixins/migration.ts";

const tables = [{ table: "activity", column: "user_id" }];

/** What an erased user did to others is kept, but not that it was he. */
const actors = [
  `CREATE FUNCTION admin.skip_erased_actor() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       PERFORM pg_advisory_xact_lock_shared(admin.erasure_lock(NEW.actor_id));
       IF EXISTS (SELECT FROM admin.erased WHERE user_id = NEW.actor_id) THEN
         NEW.actor_id := NULL;
         NEW.ip := NULL;
       END IF;
       RETURN NEW;
     END $$`,
  `CREATE TRIGGER skip_erased_actor BEFORE INSERT ON admin.activity
     FOR EACH ROW WHEN (NEW.actor_id IS NOT NULL AND NEW.actor_id IS DISTINCT FROM NEW.user_id)
     EXECUTE FUNCTION admin.skip_erased_actor()`,
  // An administrator's acts on others: few rows of the log.
  "CREATE INDEX activity_other_actor ON admin.activity (actor_id, at, id) WHERE actor_id IS DISTINCT FROM user_id",
];

export const migration: Migration = {
  name: "AdminErasure1764000000404",
  up: [...erasureGuards("admin", tables), ...actors],
  down: [
    "DROP INDEX admin.activity_other_actor",
    "DROP TRIGGER skip_erased_actor ON admin.activity",
    "DROP FUNCTION admin.skip_erased_actor",
    ...dropErasureGuards("admin", tables),
  ],
};
