-- Whether this service has begun to erase the user, or has erased them before its database was restored from a backup.
-- What other schemas' functions ask before they erase.
CREATE OR REPLACE FUNCTION users.erasure_ordered(p_user uuid) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM users.erasures WHERE user_id = p_user AND tried_at IS NOT NULL)
    OR EXISTS (SELECT FROM users.erased WHERE user_id = p_user)
$$;
