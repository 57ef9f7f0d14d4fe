-- migrate:up

ALTER TABLE users.tenants
  ADD COLUMN is_active boolean NOT NULL DEFAULT true,
  ADD COLUMN delete_at timestamptz(3),
  ADD CONSTRAINT tenants_default CHECK (id <> '00000000-0000-7000-8000-000000000001' OR is_active);
COMMENT ON COLUMN users.tenants.is_active IS 'false: nobody can sign in to the accounts of the tenant';
COMMENT ON COLUMN users.tenants.delete_at IS 'when the erasure of the tenant begins; null unless it is deleted';
CREATE INDEX tenants_delete_at ON users.tenants (delete_at) WHERE delete_at IS NOT NULL;

-- Every slug that a tenant has or had. It leads to that tenant for as long as the tenant exists, so that clients that send
-- a former slug, and nodes that remember it, never reach another tenant.
CREATE TABLE users.tenant_slugs (
  slug text PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES users.tenants (id) ON DELETE CASCADE
);
CREATE INDEX tenant_slugs_tenant ON users.tenant_slugs (tenant_id);
INSERT INTO users.tenant_slugs (slug, tenant_id) SELECT slug, id FROM users.tenants;

-- migrate:down

DROP TABLE users.tenant_slugs;
ALTER TABLE users.tenants DROP CONSTRAINT tenants_default, DROP COLUMN delete_at, DROP COLUMN is_active;
