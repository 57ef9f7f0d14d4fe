-- The life of a session. Locks are taken in one order everywhere: account, sessions by id, the user's event counter,
-- the revocation log. "Lock, then read" is two statements, because a statement that waited for a lock still sees the
-- rest of its snapshot as it was before. Times that decide are read after the lock.

-- A row is kept for one or two days after the session's end, so that its tokens can still be distinguished from forged ones.
CREATE OR REPLACE FUNCTION sessions.sweep_day(p_end timestamptz) RETURNS date
  LANGUAGE sql STABLE AS $$
  SELECT (p_end AT TIME ZONE 'UTC')::date + 2
$$;

-- Everything that the session's next tokens are made of.
CREATE OR REPLACE FUNCTION sessions.session_grant(p_id uuid) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT jsonb_build_object(
    'session_id', id, 'user_id', user_id, 'tenant_id', tenant_id, 'kid', kid, 'salt', salt, 'counter', counter,
    'amr', amr,
    'auth_time', floor(extract(epoch FROM auth_time)),
    'refresh_expires_in', greatest(0, round(extract(epoch FROM expires_at - clock_timestamp()))),
    'ver', sessions.token_version('user', user_id), 'tver', sessions.token_version('tenant', tenant_id))
  FROM sessions.sessions WHERE id = p_id);
END $$;

DROP FUNCTION IF EXISTS sessions.create_session(
  uuid, uuid, uuid, int, text, text, text[], jsonb, text, int, int, jsonb);

-- Creates a session unless the user's epoch has risen since `p_epoch` was read. The id is the caller's: a repeated call
-- finds that it exists. `p_auth_time`: seconds, null for now.
CREATE OR REPLACE FUNCTION sessions.create_session(
  p_id uuid, p_user uuid, p_tenant uuid, p_epoch int, p_kid text, p_salt text, p_amr text[], p_device jsonb, p_ip text,
  p_idle int, p_max int, p_created jsonb, p_auth_time int DEFAULT NULL
) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_epoch int;
  v_now timestamptz;
  v_max timestamptz;
  v_expires timestamptz;
BEGIN
  INSERT INTO sessions.accounts (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM sessions.accounts WHERE user_id = p_user FOR UPDATE;
  SELECT epoch INTO v_epoch FROM sessions.accounts WHERE user_id = p_user;
  IF v_epoch <> p_epoch THEN
    RETURN jsonb_build_object('outcome', 'epoch_moved');
  END IF;
  v_now := clock_timestamp();
  v_max := v_now + make_interval(secs => p_max);
  v_expires := least(v_now + make_interval(secs => p_idle), v_max);
  INSERT INTO sessions.sessions (
      id, user_id, tenant_id, kid, salt, amr, auth_time, device_name, browser, os, device_type, ip,
      created_at, last_used_at, expires_at, max_expires_at, sweep_on)
    VALUES (
      p_id, p_user, p_tenant, p_kid, p_salt, p_amr, coalesce(least(to_timestamp(p_auth_time), v_now), v_now),
      p_device->>'name', p_device->>'browser', p_device->>'os',
      p_device->>'type', p_ip, v_now, v_now, v_expires, v_max, sessions.sweep_day(v_expires))
    ON CONFLICT (id) DO NOTHING;
  IF NOT FOUND THEN
    RETURN jsonb_build_object('outcome', 'exists');
  END IF;
  PERFORM sessions.append_event((p_created->>'event_id')::uuid, p_user, p_created);
  RETURN jsonb_build_object('outcome', 'created', 'grant', sessions.session_grant(p_id));
END $$;

-- Classifies a refresh token that was issued `p_behind` tokens before the current one of a locked session:
--   'next'        the current token
--   'again'       the previous token within its grace period: a retry
--   'superseded'  an older token within its own grace period
--   'reused'      a token that was spent longer ago, so it was probably stolen
--   'ended'       a token of a session that is revoked or expired
--   'unknown'     a token that was issued after the back-up that this database was restored from
CREATE OR REPLACE FUNCTION sessions.classify_refresh_token(
  p_session sessions.sessions, p_behind bigint, p_grace int, p_now timestamptz
) RETURNS text
  LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF p_session.revoked_reason = 'token_reused' AND p_behind > 0 THEN RETURN 'reused'; END IF;
  IF p_session.revoked_at IS NOT NULL OR p_session.expires_at <= p_now THEN RETURN 'ended'; END IF;
  IF p_behind < 0 THEN RETURN 'unknown'; END IF;
  IF p_behind = 0 THEN RETURN 'next'; END IF;
  -- Beyond the 16 that are kept the element is null and the comparison not true.
  IF p_session.spent_at[least(p_behind, 17)::int] + make_interval(secs => p_grace) > p_now THEN
    RETURN CASE WHEN p_behind = 1 THEN 'again' ELSE 'superseded' END;
  END IF;
  RETURN 'reused';
END $$;

-- Revokes a session whose row is locked, unless it is revoked already. Returns the revocations that must still be
-- confirmed by the nodes.
CREATE OR REPLACE FUNCTION sessions.revoke_locked_session(p_id uuid, p_reason text, p_revoked jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_user uuid;
BEGIN
  UPDATE sessions.sessions
    SET revoked_at = clock_timestamp(), revoked_reason = p_reason, sweep_on = sessions.sweep_day(clock_timestamp())
    WHERE id = p_id AND revoked_at IS NULL RETURNING user_id INTO v_user;
  IF FOUND THEN
    PERFORM sessions.append_event((p_revoked->>'event_id')::uuid, v_user,
      p_revoked || jsonb_build_object('session_ids', jsonb_build_array(p_id), 'reason', p_reason));
    PERFORM sessions.append_revocations('session', ARRAY[p_id::text], NULL);
  END IF;
  RETURN jsonb_build_object('changes', sessions.unconfirmed_revocations(ARRAY[p_id::text]));
END $$;

-- Rotates the refresh token with this counter, or revokes the session if it was reused.
CREATE OR REPLACE FUNCTION sessions.refresh_session(
  p_id uuid, p_counter bigint, p_kid text, p_ip text, p_grace int, p_idle int, p_reused jsonb, p_revoked jsonb
) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_session sessions.sessions;
  v_now timestamptz;
  v_outcome text;
BEGIN
  PERFORM 1 FROM sessions.sessions WHERE id = p_id FOR UPDATE;
  SELECT * INTO v_session FROM sessions.sessions WHERE id = p_id;
  IF NOT FOUND THEN
    RETURN jsonb_build_object('outcome', 'unknown');
  END IF;
  v_now := clock_timestamp();
  v_outcome := sessions.classify_refresh_token(v_session, v_session.counter - p_counter, p_grace, v_now);
  IF v_outcome = 'next' THEN
    v_session.expires_at := least(v_now + make_interval(secs => p_idle), v_session.max_expires_at);
    UPDATE sessions.sessions
      SET counter = counter + 1, kid = p_kid, spent_at = (v_now || spent_at)[1:16], last_used_at = v_now,
        ip = coalesce(p_ip, ip), expires_at = v_session.expires_at, sweep_on = sessions.sweep_day(v_session.expires_at)
      WHERE id = p_id;
  ELSIF v_outcome = 'again' THEN
    UPDATE sessions.sessions SET last_used_at = v_now WHERE id = p_id;
  ELSIF v_outcome = 'reused' THEN
    IF v_session.revoked_at IS NULL THEN
      PERFORM sessions.append_event((p_reused->>'event_id')::uuid, v_session.user_id, p_reused);
    END IF;
    RETURN jsonb_build_object('outcome', v_outcome)
      || sessions.revoke_locked_session(p_id, 'token_reused', p_revoked);
  END IF;
  RETURN jsonb_build_object('outcome', v_outcome, 'grant', sessions.session_grant(p_id));
END $$;

-- Revokes one session of a user. Null if the user has no such session.
CREATE OR REPLACE FUNCTION sessions.revoke_session(p_id uuid, p_user uuid, p_reason text, p_revoked jsonb) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM sessions.sessions WHERE id = p_id AND user_id = p_user FOR UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  RETURN sessions.revoke_locked_session(p_id, p_reason, p_revoked);
END $$;

-- The event of several revoked sessions. Its tenant is theirs: the caller of revoke_all need not know it.
CREATE OR REPLACE FUNCTION sessions.revoked_event(p_revoked jsonb, p_ids uuid[], p_reason text) RETURNS jsonb
  LANGUAGE sql VOLATILE AS $$
  SELECT p_revoked || jsonb_build_object('tenant_id', tenant_id, 'session_ids', to_jsonb(p_ids), 'reason', p_reason)
  FROM sessions.sessions WHERE id = p_ids[1]
$$;

-- Revokes all sessions of a user but `p_except`, once per event id: a repeated call finds them revoked and returns the
-- same number. The rows are kept for longer than an idempotency key.
CREATE OR REPLACE FUNCTION sessions.revoke_all(
  p_user uuid, p_except uuid, p_event_id uuid, p_reason text, p_revoked jsonb
) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_ids uuid[];
BEGIN
  INSERT INTO sessions.accounts (user_id) VALUES (p_user) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM sessions.accounts WHERE user_id = p_user FOR UPDATE;
  INSERT INTO sessions.inbox (event_id, operation) VALUES (p_event_id, 'revoke-all') ON CONFLICT DO NOTHING;
  IF FOUND THEN
    UPDATE sessions.accounts SET epoch = epoch + 1 WHERE user_id = p_user;
    PERFORM 1 FROM sessions.sessions
      WHERE user_id = p_user AND revoked_at IS NULL AND id IS DISTINCT FROM p_except ORDER BY id FOR UPDATE;
    WITH revoked AS (
      UPDATE sessions.sessions
        SET revoked_at = clock_timestamp(), revoked_reason = p_reason, revoked_by = p_event_id,
          sweep_on = sessions.sweep_day(clock_timestamp())
        WHERE user_id = p_user AND revoked_at IS NULL AND id IS DISTINCT FROM p_except RETURNING id)
      SELECT array_agg(id ORDER BY id) INTO v_ids FROM revoked;
    IF cardinality(v_ids) > 0 THEN
      PERFORM sessions.append_event((p_revoked->>'event_id')::uuid, p_user,
        sessions.revoked_event(p_revoked, v_ids, p_reason));
      PERFORM sessions.append_revocations('session', v_ids::text[], NULL);
    END IF;
  END IF;
  RETURN jsonb_build_object(
    'revoked', (SELECT count(*) FROM sessions.sessions WHERE user_id = p_user AND revoked_by = p_event_id),
    'changes', sessions.unconfirmed_revocations(ARRAY(
      SELECT id::text FROM sessions.sessions
      WHERE user_id = p_user AND revoked_at > clock_timestamp() - interval '10 s')));
END $$;
