-- See mixins/service-tables/sql/erasure-guards.sql.

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON admin.activity
  FOR EACH ROW WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION admin.skip_erased();

-- An entry about what an erased user did to another user is kept, but without the id and IP address of the erased user.
CREATE OR REPLACE FUNCTION admin.blank_erased_actor() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(admin.erasure_lock(NEW.actor_id));
  IF EXISTS (SELECT FROM admin.erased WHERE user_id = NEW.actor_id) THEN
    NEW.actor_id := NULL;
    NEW.ip := NULL;
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER blank_erased_actor BEFORE INSERT ON admin.activity
  FOR EACH ROW WHEN (NEW.actor_id IS NOT NULL AND NEW.actor_id IS DISTINCT FROM NEW.user_id)
  EXECUTE FUNCTION admin.blank_erased_actor();
