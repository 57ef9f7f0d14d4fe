-- After a user's erasure no new row about them may appear, whichever code writes it: an insert of one is skipped.
-- Each service attaches skip_erased() to its own tables in its sql/erasure-guards.sql.

-- The advisory lock of a user's erasure. There are 256 of them, so that a transaction that inserts rows of many users
-- holds few locks.
CREATE OR REPLACE FUNCTION :schema.erasure_lock(p_user_id uuid) RETURNS bigint
  LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(':schema.erasure', abs(hashtextextended(p_user_id::text, 0) % 256))
$$;

-- Waits for a running erasure by its lock. The check is a statement of its own, so that it sees what that erasure
-- committed.
CREATE OR REPLACE FUNCTION :schema.skip_erased() RETURNS trigger
  LANGUAGE plpgsql AS $$
DECLARE
  v_locked text;
BEGIN
  -- This is an assignment, because PERFORM runs a query, which takes three times as long.
  v_locked := pg_advisory_xact_lock_shared(:schema.erasure_lock(NEW.user_id));
  IF EXISTS (SELECT FROM :schema.erased WHERE user_id = NEW.user_id) THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END $$;

-- Only the event that announces the erasure itself is let through.
CREATE OR REPLACE TRIGGER skip_erased BEFORE INSERT ON :schema.outbox
  FOR EACH ROW WHEN (NEW.body ->> 'event_type' IS DISTINCT FROM 'user.erased')
  EXECUTE FUNCTION :schema.skip_erased();
