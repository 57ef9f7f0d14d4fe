-- Times are kept to the millisecond, so that the time in a cursor equals the time in its row.

-- migrate:up

CREATE TABLE users.tenants (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE,
  name text NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  settings_event_id uuid
);
COMMENT ON COLUMN users.tenants.settings_event_id IS 'event of the latest change of the settings';
INSERT INTO users.tenants (id, slug, name) VALUES ('00000000-0000-7000-8000-000000000001', 'default', 'Default');

CREATE TABLE users.users (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES users.tenants (id),
  email text NOT NULL,
  email_key text NOT NULL,
  pending_email text,
  username text,
  username_key text,
  full_name text,
  current_title text,
  company text,
  location text,
  bio text,
  avatar_url text,
  push_token text,
  search_text text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  is_verified boolean NOT NULL DEFAULT false,
  inactive_reason text,
  status_event_id uuid,
  privacy_profile text NOT NULL DEFAULT 'public' CHECK (privacy_profile IN ('public', 'private', 'connections')),
  privacy_location boolean NOT NULL DEFAULT true,
  logins_total int NOT NULL DEFAULT 0,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  last_login_at timestamptz(3),
  deleted_at timestamptz(3),
  subscription_event_id uuid,
  roles_event_id uuid,
  CONSTRAINT users_email UNIQUE (tenant_id, email_key),
  CONSTRAINT users_username UNIQUE (tenant_id, username_key)
) WITH (fillfactor = 90);
COMMENT ON COLUMN users.users.status_event_id IS 'event of the latest change of is_active or deleted_at';
COMMENT ON COLUMN users.users.subscription_event_id IS 'event of the latest change of the subscription';
COMMENT ON COLUMN users.users.roles_event_id IS 'event of the latest change of the roles';

-- Lists of a tenant's accounts, in the orders and with the filters of GET /admin/users. The first one includes
-- is_active, so that active accounts are counted from the index alone.
CREATE INDEX users_created ON users.users (tenant_id, created_at, id) INCLUDE (is_active) WHERE deleted_at IS NULL;
CREATE INDEX users_inactive ON users.users (tenant_id, created_at, id) WHERE deleted_at IS NULL AND NOT is_active;
CREATE INDEX users_verified ON users.users (tenant_id, is_verified, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX users_last_login ON users.users (tenant_id, (coalesce(last_login_at, '-infinity'::timestamptz)), id)
  WHERE deleted_at IS NULL;
CREATE INDEX users_inactive_login ON users.users (tenant_id, (coalesce(last_login_at, '-infinity'::timestamptz)), id)
  WHERE deleted_at IS NULL AND NOT is_active;
CREATE INDEX users_deleted ON users.users (tenant_id, created_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX users_search ON users.users USING gin (search_text ext.gin_trgm_ops);

CREATE TABLE users.profiles (
  user_id uuid PRIMARY KEY REFERENCES users.users (id) ON DELETE CASCADE,
  fields jsonb NOT NULL DEFAULT '{}',
  sealed text,
  updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN users.profiles.fields IS 'what the user gave, but for the sealed fields';
COMMENT ON COLUMN users.profiles.sealed IS 'the private fields, encrypted under the key ring';
-- A sealed value begins with `v1.<key id>.`: finds the rows sealed under an older key of the key ring.
CREATE INDEX profiles_key ON users.profiles ((split_part(sealed, '.', 2))) WHERE sealed IS NOT NULL;

-- What a search for people looks through: one row per account, kept up to date by the triggers of sql/directory.sql.
-- Who may be found is read from users.users instead, so that a privacy setting applies from its own commit on.
CREATE TABLE users.directory (
  user_id uuid PRIMARY KEY REFERENCES users.users (id) ON DELETE CASCADE,
  tenant_id uuid NOT NULL,
  names text NOT NULL,
  words text NOT NULL,
  industry text,
  location text,
  skills text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX directory_words ON users.directory USING gin (words ext.gin_trgm_ops);
CREATE INDEX directory_location ON users.directory USING gin (location ext.gin_trgm_ops);
CREATE INDEX directory_skills ON users.directory USING gin (skills);
CREATE INDEX directory_tenant ON users.directory (tenant_id, user_id);
CREATE INDEX directory_industry ON users.directory (tenant_id, industry, user_id);

CREATE TABLE users.roles (
  tenant_id uuid NOT NULL REFERENCES users.tenants (id),
  name text NOT NULL,
  permissions text[] NOT NULL DEFAULT '{}',
  system boolean NOT NULL DEFAULT false,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  event_id uuid,
  PRIMARY KEY (tenant_id, name),
  CONSTRAINT roles_reserved CHECK (system = (name IN ('admin', 'vendor', 'user'))),
  CONSTRAINT roles_system CHECK (NOT system OR tenant_id = '00000000-0000-7000-8000-000000000001')
);
COMMENT ON COLUMN users.roles.event_id IS 'event of the latest change of the permissions';
INSERT INTO users.roles (tenant_id, name, permissions, system) VALUES
  ('00000000-0000-7000-8000-000000000001', 'admin',
    ARRAY['activity:read', 'connections:assert', 'roles:read', 'roles:write', 'sessions:read', 'sessions:write',
      'users:read', 'users:write'], true),
  ('00000000-0000-7000-8000-000000000001', 'vendor',
    ARRAY['platform:act', 'platform:introspect', 'platform:metrics', 'platform:queues', 'platform:tenants'], true),
  ('00000000-0000-7000-8000-000000000001', 'user', ARRAY[]::text[], true);

CREATE TABLE users.role_members (
  user_id uuid NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  tenant_id uuid NOT NULL,
  role text NOT NULL,
  granted_by uuid,
  granted_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (user_id, role)
);
CREATE INDEX role_members_role ON users.role_members (tenant_id, role, user_id);

CREATE TABLE users.subscriptions (
  user_id uuid PRIMARY KEY REFERENCES users.users (id) ON DELETE CASCADE,
  plan text NOT NULL,
  started_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz(3)
);
CREATE INDEX subscriptions_expiry ON users.subscriptions (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE users.email_changes (
  token_id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  old_email text NOT NULL,
  new_email text NOT NULL,
  new_email_key text NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'applied', 'refused', 'ended')),
  requested_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  epoch int NOT NULL DEFAULT 0,
  mails_sent text[] NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN users.email_changes.epoch IS
  'the account''s epoch at the request: a password reset in between raises it and voids the link';
COMMENT ON COLUMN users.email_changes.mails_sent IS 'kinds of the mails about this change that were sent';
CREATE INDEX email_changes_user ON users.email_changes (user_id);
CREATE INDEX email_changes_requested ON users.email_changes (requested_at);

-- A row exists before the first byte of its image is stored, and until the last one is deleted.
CREATE TABLE users.avatars (
  key text PRIMARY KEY,
  user_id uuid REFERENCES users.users (id) ON DELETE SET NULL,
  in_use boolean NOT NULL DEFAULT false,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX avatars_user ON users.avatars (user_id);
CREATE INDEX avatars_unused ON users.avatars (created_at) WHERE NOT in_use OR user_id IS NULL;

CREATE TABLE users.avatar_files (
  name text PRIMARY KEY,
  bytes bytea NOT NULL
);
ALTER TABLE users.avatar_files ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- How far a recreated stream has received a snapshot of the accounts.
CREATE TABLE users.snapshots (
  stream text PRIMARY KEY,
  cursor uuid,
  done boolean NOT NULL DEFAULT false,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE users.erasures (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL UNIQUE,
  tenant_id uuid NOT NULL,
  requested_by uuid NOT NULL,
  requested_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  due_at timestamptz(3) NOT NULL,
  deadline timestamptz(3) NOT NULL,
  tried_at timestamptz(3),
  receipts jsonb NOT NULL DEFAULT '{}',
  completed_at timestamptz(3),
  purge_at timestamptz(3)
);
COMMENT ON COLUMN users.erasures.tried_at IS 'latest attempt; after the first one the deletion cannot be cancelled';
COMMENT ON COLUMN users.erasures.purge_at IS 'next purge of the event streams; null when the last one is done';
CREATE INDEX erasures_due ON users.erasures (due_at) WHERE completed_at IS NULL;
CREATE INDEX erasures_purge ON users.erasures (purge_at) WHERE purge_at IS NOT NULL;

-- migrate:down

DROP TABLE users.erasures, users.snapshots, users.avatar_files, users.avatars, users.email_changes,
  users.subscriptions, users.role_members, users.roles, users.directory, users.profiles, users.users, users.tenants
  CASCADE;
