-- migrate:up

ALTER TABLE users.tenants ADD COLUMN logo_hash text;
CREATE TABLE users.tenant_logos (
  tenant_id uuid PRIMARY KEY REFERENCES users.tenants (id) ON DELETE CASCADE,
  png bytea NOT NULL
);

-- migrate:down

DROP TABLE users.tenant_logos;
ALTER TABLE users.tenants DROP COLUMN logo_hash;
