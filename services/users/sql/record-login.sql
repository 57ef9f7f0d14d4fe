-- Records when a user signed in. The session's row has the same time, so losing this update in a crash is
-- acceptable: the commit does not wait for the disk.
CREATE OR REPLACE FUNCTION users.record_login(p_id uuid, p_at timestamptz) RETURNS void
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE users.users SET last_login_at = greatest(last_login_at, p_at), logins_total = logins_total + 1 WHERE id = p_id;
END $$;
