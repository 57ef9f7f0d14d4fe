-- The activity log is append-only: the service's role may insert and read, and `npm run migrate` revokes the rest. This
-- function, which runs as the owner, is the only way to change it, and all it does is replace an erased user's id by
-- one that is recorded nowhere else. What happened, and when, stays.
CREATE OR REPLACE FUNCTION admin.pseudonymise(p_user uuid, p_pseudonym uuid) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_about int;
  v_by int;
BEGIN
  UPDATE admin.activity
    SET user_id = p_pseudonym, details = '{}', correlation_id = NULL,
      actor_id = CASE WHEN actor_id = p_user THEN p_pseudonym ELSE actor_id END,
      ip = CASE WHEN actor_id <> p_user THEN ip END
    WHERE user_id = p_user;
  GET DIAGNOSTICS v_about = ROW_COUNT;
  UPDATE admin.activity SET actor_id = p_pseudonym, ip = NULL
    WHERE actor_id = p_user AND actor_id IS DISTINCT FROM user_id;
  GET DIAGNOSTICS v_by = ROW_COUNT;
  RETURN v_about + v_by;
END $$;
