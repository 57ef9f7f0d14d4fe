-- migrate:up

UPDATE users.roles SET permissions =
    ARRAY['platform:act', 'platform:introspect', 'platform:keys', 'platform:metrics', 'platform:queues', 'platform:tenants']
  WHERE name = 'vendor' AND system;
CREATE INDEX erasures_open ON users.erasures (tenant_id, due_at, id) WHERE completed_at IS NULL;
CREATE INDEX erasures_completed ON users.erasures (tenant_id, completed_at, id) WHERE completed_at IS NOT NULL;

-- migrate:down

DROP INDEX users.erasures_open;
DROP INDEX users.erasures_completed;
UPDATE users.roles SET permissions =
    ARRAY['platform:act', 'platform:introspect', 'platform:metrics', 'platform:queues', 'platform:tenants']
  WHERE name = 'vendor' AND system;
