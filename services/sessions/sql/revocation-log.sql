-- The log of revocations and the leases of the nodes that read it. Each function is one round trip, so that a node that
-- is paused between two statements holds no lock, and VOLATILE, so that a statement after a lock sees everything that
-- was committed while it waited. Writers of the log hold its advisory lock exclusively, readers share it: PostgreSQL's
-- lock queue is fair, while row locks (FOR SHARE) starved the writer for 8 s.

-- Numbers and writes entries; the caller commits at once, because the lock is held until then.
CREATE OR REPLACE FUNCTION sessions.append_revocations(p_kind text, p_keys text[], p_value int) RETURNS void
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_last bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('usermesh-revocation-log', 0));
  UPDATE sessions.revocation_log_state SET last_seq = last_seq + cardinality(p_keys) RETURNING last_seq INTO v_last;
  INSERT INTO sessions.revocation_log (seq, kind, key, value, at)
    SELECT v_last - cardinality(p_keys) + n, p_kind, key, p_value, clock_timestamp()
    FROM unnest(p_keys) WITH ORDINALITY AS entry (key, n);
END $$;

-- Entries with these keys that the holder of a valid lease might not have seen yet. A lease lasts 3 s and is granted under
-- the lock that entries are written under, so 3.2 s after an entry was written no lease from before it is valid.
CREATE OR REPLACE FUNCTION sessions.unconfirmed_revocations(p_keys text[]) RETURNS jsonb
  LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(
    jsonb_agg(jsonb_build_object('seq', seq, 'kind', kind, 'key', key, 'value', value) ORDER BY seq), '[]')
  FROM sessions.revocation_log
  WHERE key = ANY (p_keys) AND at > clock_timestamp() - interval '3.2 s'
$$;

-- Returns the entries after `p_since`, a page at a time, and grants a lease of 3 s with the last page. `full` says that
-- the pages hold the whole log: either entries after `p_since` were swept, or the database was restored from a back-up
-- that is older than `p_since`.
CREATE OR REPLACE FUNCTION sessions.renew_lease(
  p_gateway uuid, p_node text, p_action text, p_since bigint, p_page int
) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_last bigint;
  v_swept bigint;
  v_full boolean;
  v_changes jsonb;
  v_seq bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('usermesh-revocation-log', 0));
  SELECT last_seq, swept_seq INTO v_last, v_swept FROM sessions.revocation_log_state;
  v_full := p_since < v_swept OR p_since > v_last;
  SELECT
      coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'kind', kind, 'key', key, 'value', value) ORDER BY seq), '[]'),
      CASE WHEN count(*) < p_page THEN v_last ELSE max(seq) END
    INTO v_changes, v_seq
    FROM (
      SELECT * FROM sessions.revocation_log WHERE seq > CASE WHEN v_full THEN 0 ELSE p_since END
      ORDER BY seq LIMIT p_page
    ) AS page;
  IF v_seq = v_last THEN
    INSERT INTO sessions.leases (gateway_id, node_id, action, until)
      VALUES (p_gateway, p_node, p_action, clock_timestamp() + interval '3 s')
      ON CONFLICT (gateway_id) DO UPDATE
        SET node_id = excluded.node_id, action = excluded.action, until = excluded.until;
  END IF;
  RETURN jsonb_build_object('changes', v_changes, 'seq', v_seq, 'granted', v_seq = v_last, 'full', v_full);
END $$;

-- Deletes up to `p_batch` of the oldest entries, those older than `p_keep_seconds`, and returns their number.
CREATE OR REPLACE FUNCTION sessions.sweep_revocation_log(p_keep_seconds int, p_batch int) RETURNS int
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_upto bigint;
  v_deleted int;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('usermesh-revocation-log', 0));
  SELECT coalesce(
      min(seq) FILTER (WHERE at > clock_timestamp() - make_interval(secs => p_keep_seconds)) - 1, max(seq))
    INTO v_upto
    FROM (SELECT seq, at FROM sessions.revocation_log ORDER BY seq LIMIT p_batch) AS oldest;
  DELETE FROM sessions.revocation_log WHERE seq <= v_upto;
  GET DIAGNOSTICS v_deleted = ROW_COUNT;
  UPDATE sessions.revocation_log_state SET swept_seq = greatest(swept_seq, v_upto) WHERE v_deleted > 0;
  RETURN v_deleted;
END $$;

-- The lowest version that is valid in tokens of a user ('user') or of a tenant's users ('tenant').
CREATE OR REPLACE FUNCTION sessions.token_version(p_kind text, p_id uuid) RETURNS int
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_kind = 'user' THEN
    RETURN coalesce((SELECT ver FROM sessions.accounts WHERE user_id = p_id), 0);
  END IF;
  RETURN coalesce((SELECT tver FROM sessions.tenant_versions WHERE tenant_id = p_id), 0);
END $$;

-- Invalidates the access tokens issued so far, once per event id.
CREATE OR REPLACE FUNCTION sessions.bump_token_version(p_kind text, p_id uuid, p_event_id uuid) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF p_kind = 'user' THEN
    INSERT INTO sessions.accounts (user_id) VALUES (p_id) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM sessions.accounts WHERE user_id = p_id FOR UPDATE;
  ELSE
    INSERT INTO sessions.tenant_versions (tenant_id) VALUES (p_id) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM sessions.tenant_versions WHERE tenant_id = p_id FOR UPDATE;
  END IF;
  INSERT INTO sessions.inbox (event_id, operation) VALUES (p_event_id, 'bump-token-version') ON CONFLICT DO NOTHING;
  IF FOUND THEN
    UPDATE sessions.accounts SET ver = ver + 1 WHERE p_kind = 'user' AND user_id = p_id;
    UPDATE sessions.tenant_versions SET tver = tver + 1 WHERE p_kind = 'tenant' AND tenant_id = p_id;
    PERFORM sessions.append_revocations(p_kind, ARRAY[p_id::text], sessions.token_version(p_kind, p_id));
  END IF;
  RETURN jsonb_build_object(
    'version', sessions.token_version(p_kind, p_id),
    'changes', sessions.unconfirmed_revocations(ARRAY[p_id::text]));
END $$;
