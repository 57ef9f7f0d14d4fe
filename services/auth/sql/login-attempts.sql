-- An attempt is reserved before the password hash is compared and recorded after it. Pending attempts count towards the
-- limit like failed ones, so that parallel attempts cannot exceed it.

-- When a key that has reached its limit may try again: 30 s, doubled with each further failure, at most 15 minutes.
-- Null below the limit.
CREATE OR REPLACE FUNCTION auth.attempt_throttled_until(p_failed int, p_limit int) RETURNS timestamptz
  LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN p_failed >= p_limit
    THEN clock_timestamp() + make_interval(secs => least(900, 30 * 2 ^ least(p_failed - p_limit, 10))) END
$$;

-- Locks the row of a key. Attempts that were never recorded, because their node died, are counted as failed after 20 s.
CREATE OR REPLACE FUNCTION auth.lock_attempts(p_key text, p_limit int) RETURNS auth.login_attempts
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_row auth.login_attempts;
BEGIN
  SELECT * INTO v_row FROM auth.login_attempts WHERE key = p_key FOR UPDATE;
  IF v_row.pending > 0 AND v_row.at < clock_timestamp() - interval '20 seconds' THEN
    UPDATE auth.login_attempts
      SET failed = failed + pending, pending = 0,
        throttled_until = auth.attempt_throttled_until(failed + pending, p_limit)
      WHERE key = p_key RETURNING * INTO v_row;
  END IF;
  RETURN v_row;
END $$;

-- Reserves an attempt at an account from a client address. Returns 0 if it may proceed, the seconds to wait if the
-- account or the address is throttled, and -1 if the attempts in progress fill the limit: ask again when they are
-- recorded. The account's row is locked first, as everywhere.
CREATE OR REPLACE FUNCTION auth.reserve_attempt(
  p_account text, p_address text, p_user uuid, p_account_limit int, p_address_limit int, p_lifetime_limit int
) RETURNS int
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_account auth.login_attempts;
  v_address auth.login_attempts;
  v_until timestamptz;
BEGIN
  INSERT INTO auth.login_attempts (key, account, user_id) VALUES (p_account, p_account, p_user) ON CONFLICT DO NOTHING;
  INSERT INTO auth.login_attempts (key, account, user_id) VALUES (p_address, p_account, p_user) ON CONFLICT DO NOTHING;
  v_account := auth.lock_attempts(p_account, p_account_limit);
  v_address := auth.lock_attempts(p_address, p_address_limit);
  -- A row that was deleted between the insert and the lock.
  IF v_account.key IS NULL OR v_address.key IS NULL THEN
    RETURN -1;
  END IF;
  IF v_account.failed >= p_lifetime_limit THEN
    RETURN 900;
  END IF;
  v_until := greatest(v_account.throttled_until, v_address.throttled_until);
  IF v_until > clock_timestamp() THEN
    RETURN ceil(extract(epoch FROM v_until - clock_timestamp()))::int;
  END IF;
  IF (v_account.pending > 0 AND v_account.failed + v_account.pending >= p_account_limit)
    OR (v_address.pending > 0 AND v_address.failed + v_address.pending >= p_address_limit) THEN
    RETURN -1;
  END IF;
  UPDATE auth.login_attempts SET pending = pending + 1, at = clock_timestamp() WHERE key IN (p_account, p_address);
  RETURN 0;
END $$;

-- Records how a reserved attempt ended: 'success' resets the counters, 'failure' counts, 'aborted' does neither.
CREATE OR REPLACE FUNCTION auth.record_attempt(
  p_account text, p_address text, p_outcome text, p_account_limit int, p_address_limit int
) RETURNS void
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_key text;
  v_limit int;
BEGIN
  FOR v_key, v_limit IN VALUES (p_account, p_account_limit), (p_address, p_address_limit) LOOP
    PERFORM 1 FROM auth.login_attempts WHERE key = v_key FOR UPDATE;
    IF p_outcome = 'success' THEN
      UPDATE auth.login_attempts SET failed = 0, throttled_until = NULL, pending = greatest(pending - 1, 0)
        WHERE key = v_key;
    ELSIF p_outcome = 'failure' THEN
      UPDATE auth.login_attempts
        SET failed = failed + 1, pending = greatest(pending - 1, 0),
          throttled_until = auth.attempt_throttled_until(failed + 1, v_limit)
        WHERE key = v_key;
    ELSE
      UPDATE auth.login_attempts SET pending = greatest(pending - 1, 0) WHERE key = v_key;
    END IF;
    DELETE FROM auth.login_attempts WHERE key = v_key AND failed = 0 AND pending = 0;
  END LOOP;
END $$;
