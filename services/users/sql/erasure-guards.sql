-- The other personal rows of this schema reference the account's row, so guarding the account guards them all.
CREATE OR REPLACE FUNCTION users.skip_erased_account() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(users.erasure_lock(NEW.id));
  IF EXISTS (SELECT FROM users.erased WHERE user_id = NEW.id) THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON users.users
  FOR EACH ROW EXECUTE FUNCTION users.skip_erased_account();
