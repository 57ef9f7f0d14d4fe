-- The relay of a schema's outbox. One runs at a time: it holds this lock until the end of its transaction.
CREATE OR REPLACE FUNCTION :schema.lock_relay() RETURNS boolean
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN pg_try_advisory_xact_lock(hashtextextended('usermesh-relay-:schema', 0));
END $$;

-- The oldest entries that are not published, `p_limit` of each kind: while Redis is unavailable, events must not wait
-- behind jobs. No rows while another relay runs. The lock is taken in an earlier statement than the read, so that the
-- read sees what the previous relay has committed.
CREATE OR REPLACE FUNCTION :schema.take_outbox(p_limit int) RETURNS SETOF :schema.outbox
  LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF NOT :schema.lock_relay() THEN
    RETURN;
  END IF;
  -- What the transaction then records, that entries were published, may be lost when PostgreSQL crashes: they are
  -- published again, and consumers ignore the repetition. So its commit need not wait for the disk.
  PERFORM set_config('synchronous_commit', 'off', true);
  RETURN QUERY
    (SELECT * FROM :schema.outbox WHERE published_at IS NULL AND kind = 'event' ORDER BY id LIMIT p_limit)
    UNION ALL
    (SELECT * FROM :schema.outbox WHERE published_at IS NULL AND kind = 'job' ORDER BY id LIMIT p_limit);
END $$;
