-- Appends an event to the outbox in the caller's transaction and returns its version, which counts the user's events.
-- The counter's row is locked first, so that outbox ids are in the order in which a user's events happened.
CREATE OR REPLACE FUNCTION :schema.append_event(p_event_id uuid, p_user_id uuid, p_body jsonb) RETURNS int
  LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_version int;
BEGIN
  INSERT INTO :schema.event_counters AS c (user_id, version) VALUES (p_user_id, 1)
    ON CONFLICT (user_id) DO UPDATE SET version = c.version + 1
    RETURNING version INTO v_version;
  INSERT INTO :schema.outbox (kind, event_id, user_id, body)
    VALUES ('event', p_event_id, p_user_id, p_body || jsonb_build_object('version', v_version));
  RETURN v_version;
END $$;
