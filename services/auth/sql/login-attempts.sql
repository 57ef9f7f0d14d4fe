-- An attempt is reserved before the password hash is compared and recorded after it. Pending attempts count towards the
-- limit like failed ones, so that parallel attempts cannot exceed it.
--
-- Attempts are counted in groups of two rows: one for all client addresses, whose key names the group, and one per client
-- address. Each attempt counts in the group of the name that was sent, which decides what the response tells, and in the
-- group of the account, which decides whether the password is compared at all. Attempts from a device that has signed in
-- to the account before count in a group of that device only.
--
-- Neither function waits until its commit is on disk: a crash of PostgreSQL loses the counters of the last moments, and a
-- sign-in saves two such waits.

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

-- Locks the two rows of a group, the group's own first. Returns 0 if an attempt may proceed, the seconds to wait if the
-- group or the client address is throttled, and -1 if the attempts in progress fill the limit.
CREATE OR REPLACE FUNCTION auth.check_attempts(
  p_group text, p_address text, p_user uuid, p_group_limit int, p_address_limit int, p_lifetime_limit int
) RETURNS int
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_group auth.login_attempts;
  v_address auth.login_attempts;
  v_until timestamptz;
BEGIN
  INSERT INTO auth.login_attempts (key, account, user_id) VALUES (p_group, p_group, p_user) ON CONFLICT DO NOTHING;
  INSERT INTO auth.login_attempts (key, account, user_id) VALUES (p_address, p_group, p_user) ON CONFLICT DO NOTHING;
  v_group := auth.lock_attempts(p_group, p_group_limit);
  v_address := auth.lock_attempts(p_address, p_address_limit);
  -- A row that was deleted between the insert and the lock.
  IF v_group.key IS NULL OR v_address.key IS NULL THEN
    RETURN -1;
  END IF;
  IF v_group.failed >= p_lifetime_limit THEN
    RETURN 900;
  END IF;
  v_until := greatest(v_group.throttled_until, v_address.throttled_until);
  IF v_until > clock_timestamp() THEN
    RETURN ceil(extract(epoch FROM v_until - clock_timestamp()))::int;
  END IF;
  IF (v_group.pending > 0 AND v_group.failed + v_group.pending >= p_group_limit)
    OR (v_address.pending > 0 AND v_address.failed + v_address.pending >= p_address_limit) THEN
    RETURN -1;
  END IF;
  RETURN 0;
END $$;

-- Counts the first attempt of a group, in new rows.
CREATE OR REPLACE FUNCTION auth.insert_attempt(p_group text, p_address text, p_user uuid) RETURNS void
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO auth.login_attempts (key, account, user_id, pending)
    VALUES (p_group, p_group, p_user, 1), (p_address, p_group, p_user, 1);
END $$;

-- Reserves an attempt if none is counted in either group, which is the usual case: false if a row exists.
CREATE OR REPLACE FUNCTION auth.reserve_first_attempt(
  p_name text, p_name_address text, p_account text, p_account_address text, p_user uuid
) RETURNS boolean
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF EXISTS (
    SELECT FROM auth.login_attempts WHERE key IN (p_name, p_name_address, p_account, p_account_address)) THEN
    RETURN false;
  END IF;
  PERFORM auth.insert_attempt(p_name, p_name_address, p_user);
  IF p_account <> p_name THEN
    PERFORM auth.insert_attempt(p_account, p_account_address, p_user);
  END IF;
  RETURN true;
EXCEPTION WHEN unique_violation THEN
  -- A concurrent attempt was first.
  RETURN false;
END $$;

-- Reserves an attempt in the group of the name and in that of the account, in this order everywhere, so that no two
-- calls deadlock. `wait` is that of the name's group (see check_attempts). `counted` is false if the account's group is
-- throttled: the password must not be compared then, and the response must not tell. Attempts in progress under other
-- names of the account do not make this one wait, because the waiting could be measured.
CREATE OR REPLACE FUNCTION auth.reserve_attempt(
  p_name text, p_name_address text, p_account text, p_account_address text, p_user uuid, p_account_is_told boolean,
  p_group_limit int, p_address_limit int, p_lifetime_limit int, OUT wait int, OUT counted boolean
)
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_account int;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  counted := auth.reserve_first_attempt(p_name, p_name_address, p_account, p_account_address, p_user);
  IF counted THEN
    wait := 0;
    RETURN;
  END IF;
  wait := auth.check_attempts(p_name, p_name_address, p_user, p_group_limit, p_address_limit, p_lifetime_limit);
  v_account := auth.check_attempts(
    p_account, p_account_address, p_user, p_group_limit, p_address_limit, p_lifetime_limit);
  IF wait = 0 AND p_account_is_told THEN
    wait := v_account;
  END IF;
  IF wait <> 0 THEN
    RETURN;
  END IF;
  counted := v_account <= 0;
  UPDATE auth.login_attempts SET pending = pending + 1, at = clock_timestamp()
    WHERE key IN (p_name, p_name_address) OR (counted AND key IN (p_account, p_account_address));
END $$;

-- Records in one group how a reserved attempt ended: 'success' resets the counters, 'failure' counts, 'aborted' does
-- neither. 'reset' resets the counters of a group in which the attempt was not reserved.
CREATE OR REPLACE FUNCTION auth.record_attempt(
  p_group text, p_address text, p_outcome text, p_group_limit int, p_address_limit int
) RETURNS void
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_key text;
  v_limit int;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  -- Without another attempt in progress the rows are no longer needed. The group's row is locked first, as everywhere else.
  IF p_outcome = 'success' THEN
    DELETE FROM auth.login_attempts WHERE key = p_group AND pending <= 1;
    IF FOUND THEN
      DELETE FROM auth.login_attempts WHERE key = p_address AND pending <= 1;
      IF FOUND THEN
        RETURN;
      END IF;
    END IF;
  END IF;
  FOR v_key, v_limit IN VALUES (p_group, p_group_limit), (p_address, p_address_limit) LOOP
    PERFORM 1 FROM auth.login_attempts WHERE key = v_key FOR UPDATE;
    IF p_outcome = 'success' THEN
      UPDATE auth.login_attempts SET failed = 0, throttled_until = NULL, pending = greatest(pending - 1, 0)
        WHERE key = v_key;
    ELSIF p_outcome = 'failure' THEN
      UPDATE auth.login_attempts
        SET failed = failed + 1, pending = greatest(pending - 1, 0),
          throttled_until = auth.attempt_throttled_until(failed + 1, v_limit)
        WHERE key = v_key;
    ELSIF p_outcome = 'reset' THEN
      UPDATE auth.login_attempts SET failed = 0, throttled_until = NULL WHERE key = v_key;
    ELSE
      UPDATE auth.login_attempts SET pending = greatest(pending - 1, 0) WHERE key = v_key;
    END IF;
    DELETE FROM auth.login_attempts WHERE key = v_key AND failed = 0 AND pending = 0;
  END LOOP;
END $$;
