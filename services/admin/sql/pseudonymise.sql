-- The activity log is append-only: the service's role may insert and read, and `npm run migrate` revokes all other
-- rights. This function, which runs as the owner, is the only way to change the log. It replaces an erased user's id
-- with one that is recorded nowhere else, and removes the user's IP addresses and, in entries about the user, the
-- details and the correlation id. The entries stay, with their actions and times.
CREATE OR REPLACE FUNCTION admin.pseudonymise(p_user uuid, p_pseudonym uuid) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_entries_about_user int;
  v_entries_by_user int;
BEGIN
  UPDATE admin.activity
    SET user_id = p_pseudonym, details = '{}', correlation_id = NULL,
      actor_id = CASE WHEN actor_id = p_user THEN p_pseudonym ELSE actor_id END,
      ip = CASE WHEN actor_id <> p_user THEN ip END
    WHERE user_id = p_user;
  GET DIAGNOSTICS v_entries_about_user = ROW_COUNT;
  UPDATE admin.activity SET actor_id = p_pseudonym, ip = NULL
    WHERE actor_id = p_user AND actor_id IS DISTINCT FROM user_id;
  GET DIAGNOSTICS v_entries_by_user = ROW_COUNT;
  RETURN v_entries_about_user + v_entries_by_user;
END $$;
