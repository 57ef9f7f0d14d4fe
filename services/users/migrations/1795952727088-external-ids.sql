-- migrate:up

ALTER TABLE users.users ADD COLUMN external_id text;
COMMENT ON COLUMN users.users.external_id IS 'id of the account in the system that it was imported from, or of another one';
CREATE UNIQUE INDEX users_external_id ON users.users (tenant_id, external_id) WHERE external_id IS NOT NULL;

-- migrate:down

ALTER TABLE users.users DROP COLUMN external_id;
