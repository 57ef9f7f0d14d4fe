-- Each entry contains the hash of the one before it in its tenant, so that an entry that is changed, removed or inserted
-- later breaks the chain (ASVS 5.0 V16.4.2); `npm run verify-activity` checks it. Writers of one tenant wait for each
-- other until they commit; those of different tenants do not.

-- Fields whose lengths are written too, so that no text can move from one field to the next.
CREATE OR REPLACE FUNCTION admin.hash_fields(VARIADIC p_fields text[]) RETURNS bytea
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(convert_to(
    string_agg(CASE WHEN field IS NULL THEN '-' ELSE octet_length(field) || ':' || field END, ',' ORDER BY n), 'UTF8'))
  FROM unnest(p_fields) WITH ORDINALITY AS t(field, n)
$$;

-- The chain covers hashes of what is about a person, not the values, so that these can be erased. Each has a random salt,
-- which is erased with them: what was there can't be found by trying ids and addresses. As the owner, so that the
-- service's role can't write hashes of its own.
CREATE OR REPLACE FUNCTION admin.chain_activity() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_head admin.activity_chains;
BEGIN
  INSERT INTO admin.activity_chains VALUES (NEW.tenant_id, 0, '\x') ON CONFLICT DO NOTHING;
  SELECT * INTO v_head FROM admin.activity_chains WHERE tenant_id = NEW.tenant_id FOR UPDATE;
  -- ON CONFLICT DO NOTHING would skip the entry only after its place in the chain has been taken.
  IF EXISTS (SELECT FROM admin.activity WHERE id = NEW.id) THEN
    RETURN NULL;
  END IF;
  NEW.seq := v_head.seq + 1;
  NEW.actor_salt := gen_random_uuid();
  NEW.subject_salt := gen_random_uuid();
  NEW.actor_hash := admin.hash_fields(NEW.actor_salt::text, NEW.actor_id::text, NEW.actor, NEW.ip);
  NEW.subject_hash :=
    admin.hash_fields(NEW.subject_salt::text, NEW.user_id::text, NEW.correlation_id, NEW.details::text);
  NEW.hash := admin.hash_fields(
    encode(v_head.hash, 'hex'), NEW.seq::text, NEW.id::text, NEW.tenant_id::text, NEW.action,
    to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS'),
    encode(NEW.actor_hash, 'hex'), encode(NEW.subject_hash, 'hex'));
  UPDATE admin.activity_chains SET seq = NEW.seq, hash = NEW.hash WHERE tenant_id = NEW.tenant_id;
  RETURN NEW;
END $$;

-- The name makes it the last one: triggers fire in alphabetical order, and those of erasure-guards.sql change entries.
CREATE OR REPLACE TRIGGER z_chain BEFORE INSERT ON admin.activity
  FOR EACH ROW EXECUTE FUNCTION admin.chain_activity();
