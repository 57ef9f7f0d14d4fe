-- The activity log is append-only: the service's role may insert and read, and `npm run migrate` revokes all other
-- rights, also those on `erased`. The functions below, which run as the owner, are the only way to change either. They
-- refuse a user whose erasure `users` has not ordered in its own table, which the role can't write.
CREATE OR REPLACE FUNCTION admin.mark_erased(p_user uuid) RETURNS void
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT users.erasure_ordered(p_user) THEN
    RAISE insufficient_privilege USING MESSAGE = 'users has ordered no erasure of this user';
  END IF;
  INSERT INTO admin.erased (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
END $$;

-- Replaces an erased user's id with one that is recorded nowhere else, and removes the user's IP addresses and, in
-- entries about the user, the details and the correlation id. The entries stay, with their actions and times, and so do
-- the hashes of what was removed: without their salts these reveal nothing, and the chain can still be verified.
CREATE OR REPLACE FUNCTION admin.pseudonymise(p_user uuid, p_pseudonym uuid) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_entries_about_user int;
  v_entries_by_user int;
BEGIN
  PERFORM admin.mark_erased(p_user);
  UPDATE admin.activity
    SET user_id = p_pseudonym, details = '{}', correlation_id = NULL, subject_salt = NULL,
      actor_id = CASE WHEN actor_id = p_user THEN p_pseudonym ELSE actor_id END,
      ip = CASE WHEN actor_id <> p_user THEN ip END,
      actor_salt = CASE WHEN actor_id <> p_user THEN actor_salt END
    WHERE user_id = p_user;
  GET DIAGNOSTICS v_entries_about_user = ROW_COUNT;
  UPDATE admin.activity SET actor_id = p_pseudonym, ip = NULL, actor_salt = NULL
    WHERE actor_id = p_user AND actor_id IS DISTINCT FROM user_id;
  GET DIAGNOSTICS v_entries_by_user = ROW_COUNT;
  RETURN v_entries_about_user + v_entries_by_user;
END $$;
