-- migrate:up

-- The head of each tenant's chain: see sql/activity-chain.sql.
CREATE TABLE admin.activity_chains (
  tenant_id uuid PRIMARY KEY,
  seq bigint NOT NULL,
  hash bytea NOT NULL
);

ALTER TABLE admin.activity
  ADD COLUMN seq bigint,
  ADD COLUMN hash bytea,
  ADD COLUMN actor_salt uuid,
  ADD COLUMN actor_hash bytea,
  ADD COLUMN subject_salt uuid,
  ADD COLUMN subject_hash bytea;

-- The entries that exist are chained in the order of their times.
CREATE FUNCTION admin.chain_existing() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_entry admin.activity;
  v_hash bytea;
  v_tenant uuid;
  v_seq bigint;
  v_field text := $f$SELECT string_agg(CASE WHEN f IS NULL THEN '-' ELSE octet_length(f) || ':' || f END, ',' ORDER BY n)
    FROM unnest($1::text[]) WITH ORDINALITY AS t(f, n)$f$;
  v_text text;
BEGIN
  FOR v_entry IN SELECT * FROM admin.activity WHERE seq IS NULL ORDER BY tenant_id, at, id LOOP
    IF v_tenant IS DISTINCT FROM v_entry.tenant_id THEN
      v_tenant := v_entry.tenant_id;
      v_seq := 0;
      v_hash := '\x';
    END IF;
    v_seq := v_seq + 1;
    v_entry.actor_salt := gen_random_uuid();
    v_entry.subject_salt := gen_random_uuid();
    EXECUTE v_field INTO v_text USING ARRAY[v_entry.actor_salt::text, v_entry.actor_id::text, v_entry.actor, v_entry.ip];
    v_entry.actor_hash := sha256(convert_to(v_text, 'UTF8'));
    EXECUTE v_field INTO v_text USING ARRAY[v_entry.subject_salt::text, v_entry.user_id::text, v_entry.correlation_id, v_entry.details::text];
    v_entry.subject_hash := sha256(convert_to(v_text, 'UTF8'));
    EXECUTE v_field INTO v_text USING ARRAY[encode(v_hash, 'hex'), v_seq::text, v_entry.id::text, v_entry.tenant_id::text, v_entry.action,
      to_char(v_entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS'), encode(v_entry.actor_hash, 'hex'), encode(v_entry.subject_hash, 'hex')];
    v_hash := sha256(convert_to(v_text, 'UTF8'));
    UPDATE admin.activity SET seq = v_seq, hash = v_hash, actor_salt = v_entry.actor_salt, actor_hash = v_entry.actor_hash,
      subject_salt = v_entry.subject_salt, subject_hash = v_entry.subject_hash WHERE id = v_entry.id;
    INSERT INTO admin.activity_chains VALUES (v_tenant, v_seq, v_hash)
      ON CONFLICT (tenant_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
  END LOOP;
END $$;
SELECT admin.chain_existing();
DROP FUNCTION admin.chain_existing();

ALTER TABLE admin.activity
  ALTER COLUMN seq SET NOT NULL,
  ALTER COLUMN hash SET NOT NULL,
  ALTER COLUMN actor_hash SET NOT NULL,
  ALTER COLUMN subject_hash SET NOT NULL;
CREATE UNIQUE INDEX activity_chain ON admin.activity (tenant_id, seq);

-- migrate:down

DROP TRIGGER IF EXISTS z_chain ON admin.activity;
ALTER TABLE admin.activity DROP COLUMN seq, DROP COLUMN hash, DROP COLUMN actor_salt, DROP COLUMN actor_hash,
  DROP COLUMN subject_salt, DROP COLUMN subject_hash;
DROP TABLE admin.activity_chains;
