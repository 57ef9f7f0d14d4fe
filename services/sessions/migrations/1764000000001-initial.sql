-- migrate:up

-- `epoch` rises when all sessions of a user end; a sign-in that began before creates none. `ver` is the least token
-- version that is still valid.
CREATE TABLE sessions.accounts (
  user_id uuid PRIMARY KEY,
  epoch int NOT NULL DEFAULT 0,
  ver int NOT NULL DEFAULT 0
);

CREATE TABLE sessions.tenant_versions (
  tenant_id uuid PRIMARY KEY,
  tver int NOT NULL DEFAULT 0
);

-- spent_at[n] is when the n-th refresh token before the current one was used. sweep_on is a date, not a time, so that
-- it changes at most once a day: a refresh changes no indexed column and stays a heap-only update.
CREATE TABLE sessions.sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  kid text NOT NULL,
  salt text NOT NULL,
  counter bigint NOT NULL DEFAULT 0,
  spent_at timestamptz[] NOT NULL DEFAULT '{}',
  amr text[] NOT NULL,
  auth_time timestamptz NOT NULL,
  client_id text,
  device_name text,
  browser text,
  os text,
  device_type text NOT NULL,
  ip text,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  max_expires_at timestamptz NOT NULL,
  sweep_on date NOT NULL,
  revoked_at timestamptz,
  revoked_reason text,
  revoked_by uuid
) WITH (fillfactor = 80);
COMMENT ON COLUMN sessions.sessions.revoked_by IS 'event that revoked all sessions of the user at once';
CREATE INDEX sessions_user ON sessions.sessions (user_id, id);
CREATE INDEX sessions_sweep ON sessions.sessions (sweep_on);

-- What was revoked, for the nodes that hold a lease. See sql/revocation-log.sql.
CREATE TABLE sessions.revocation_log (
  seq bigint PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('session', 'user', 'tenant', 'cache')),
  key text NOT NULL,
  value int,
  at timestamptz NOT NULL
);
CREATE INDEX revocation_log_key ON sessions.revocation_log (key);

-- last_seq outlives the entries that are swept; swept_seq is the last of those.
CREATE TABLE sessions.revocation_log_state (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  last_seq bigint NOT NULL DEFAULT 0,
  swept_seq bigint NOT NULL DEFAULT 0
);
INSERT INTO sessions.revocation_log_state DEFAULT VALUES;

CREATE TABLE sessions.leases (
  gateway_id uuid PRIMARY KEY,
  node_id text NOT NULL,
  action text NOT NULL,
  until timestamptz NOT NULL
);

-- migrate:down

DROP TABLE sessions.leases, sessions.revocation_log_state, sessions.revocation_log, sessions.sessions,
  sessions.tenant_versions, sessions.accounts
  CASCADE;
