-- migrate:up

-- An entry has the id of its event, so that an event that is delivered twice is recorded once.
CREATE TABLE admin.activity (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  action text NOT NULL,
  actor_id uuid,
  user_id uuid,
  at timestamptz(3) NOT NULL,
  ip text,
  correlation_id text,
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX activity_tenant ON admin.activity (tenant_id, at, id);
CREATE INDEX activity_action ON admin.activity (tenant_id, action, at, id);
CREATE INDEX activity_actor ON admin.activity (tenant_id, actor_id, at, id);
CREATE INDEX activity_user ON admin.activity (user_id, at, id);
-- For the export and erasure of an administrator's own data: what they did to others is a small part of the log.
CREATE INDEX activity_other_actor ON admin.activity (actor_id, at, id) WHERE actor_id IS DISTINCT FROM user_id;
CREATE INDEX activity_sign_ins ON admin.activity (at, action) WHERE action IN ('session.created', 'sign_in.refused');

-- migrate:down

DROP TABLE admin.activity CASCADE;
