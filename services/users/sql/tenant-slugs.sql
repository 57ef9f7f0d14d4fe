-- Records every slug of a tenant in users.tenant_slugs, whichever statement sets it. Fails with a unique violation for a slug
-- that another tenant has or had.
CREATE OR REPLACE FUNCTION users.keep_slug() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO users.tenant_slugs AS s (slug, tenant_id) VALUES (NEW.slug, NEW.id)
  ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug WHERE s.tenant_id = excluded.tenant_id;
  IF NOT FOUND THEN
    RAISE unique_violation USING MESSAGE = 'another tenant has or had this slug', CONSTRAINT = 'tenant_slugs_pkey';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER keep_slug AFTER INSERT OR UPDATE OF slug ON users.tenants
  FOR EACH ROW EXECUTE FUNCTION users.keep_slug();
