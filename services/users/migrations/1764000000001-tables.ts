import type { Migration } from "../../../mixins/migration.ts";
import { serviceTables } from "../../../mixins/service-tables.ts";

const DEFAULT_TENANT_ID = "00000000-0000-7000-8000-000000000001";

/**
 * What a user's roles are and open. `user` is everybody's. The reserved names mean the system's roles in every tenant,
 * but `vendor` in the default one alone; `platform:*` counts nowhere else, whatever a row of a tenant's own says.
 */
const roleFunctions = [
  `CREATE FUNCTION users.granted_roles(p_user_id uuid, p_tenant_id uuid)
     RETURNS TABLE (name text, permissions text[], system boolean) LANGUAGE sql STABLE AS $$
     SELECT r.name, r.permissions, r.system
     FROM (SELECT role FROM users.role_members WHERE user_id = p_user_id UNION SELECT 'user') AS m
     JOIN users.roles AS r ON r.name = m.role AND r.tenant_id =
       CASE WHEN m.role IN ('admin', 'vendor', 'user') THEN '${DEFAULT_TENANT_ID}'::uuid ELSE p_tenant_id END
     WHERE m.role <> 'vendor' OR p_tenant_id = '${DEFAULT_TENANT_ID}'
   $$`,
  `CREATE FUNCTION users.granted_permissions(p_user_id uuid, p_tenant_id uuid)
     RETURNS text[] LANGUAGE sql STABLE AS $$
     SELECT coalesce(array_agg(DISTINCT p ORDER BY p), '{}')
     FROM users.granted_roles(p_user_id, p_tenant_id) AS r, unnest(r.permissions) AS p
     WHERE p NOT LIKE 'platform:%' OR (r.system AND p_tenant_id = '${DEFAULT_TENANT_ID}')
   $$`,
];

/** Times are kept to the millisecond, so that the time in a cursor is the time in the row. */
export const migration: Migration = {
  name: "UsersTables1764000000001",
  up: [
    `CREATE TABLE users.tenants (
       id uuid PRIMARY KEY,
       slug text NOT NULL UNIQUE,
       name text NOT NULL,
       settings jsonb NOT NULL DEFAULT '{}',
       created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
       updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
     )`,
    `INSERT INTO users.tenants (id, slug, name) VALUES ('${DEFAULT_TENANT_ID}', 'default', 'Default')`,

    `CREATE TABLE users.users (
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
       CONSTRAINT users_email UNIQUE (tenant_id, email_key),
       CONSTRAINT users_username UNIQUE (tenant_id, username_key)
     ) WITH (fillfactor = 90)`,
    "CREATE INDEX users_created ON users.users (tenant_id, created_at, id) WHERE deleted_at IS NULL",
    "CREATE INDEX users_inactive ON users.users (tenant_id, created_at, id) WHERE deleted_at IS NULL AND NOT is_active",
    "CREATE INDEX users_verified ON users.users (tenant_id, is_verified, created_at, id) WHERE deleted_at IS NULL",
    `CREATE INDEX users_last_login ON users.users (tenant_id, (coalesce(last_login_at, '-infinity'::timestamptz)), id)
       WHERE deleted_at IS NULL`,
    `CREATE INDEX users_inactive_login ON users.users (tenant_id, (coalesce(last_login_at, '-infinity'::timestamptz)), id)
       WHERE deleted_at IS NULL AND NOT is_active`,
    "CREATE INDEX users_search ON users.users USING gin (search_text ext.gin_trgm_ops)",

    `CREATE TABLE users.profiles (
       user_id uuid PRIMARY KEY REFERENCES users.users (id) ON DELETE CASCADE,
       sealed text,
       gender text,
       industry text,
       years_of_experience int,
       skills jsonb NOT NULL DEFAULT '[]',
       education jsonb NOT NULL DEFAULT '[]',
       experience jsonb NOT NULL DEFAULT '[]',
       languages jsonb NOT NULL DEFAULT '[]',
       linkedin_url text,
       github_url text,
       website_url text,
       headline text,
       updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
     )`,

    `CREATE TABLE users.roles (
       tenant_id uuid NOT NULL REFERENCES users.tenants (id),
       name text NOT NULL,
       permissions text[] NOT NULL DEFAULT '{}',
       system boolean NOT NULL DEFAULT false,
       created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
       updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
       PRIMARY KEY (tenant_id, name),
       CONSTRAINT roles_reserved CHECK (system = (name IN ('admin', 'vendor', 'user'))),
       CONSTRAINT roles_system CHECK (NOT system OR tenant_id = '${DEFAULT_TENANT_ID}')
     )`,
    `INSERT INTO users.roles (tenant_id, name, permissions, system) VALUES
       ('${DEFAULT_TENANT_ID}', 'admin', ARRAY['activity:read', 'connections:assert', 'roles:read', 'roles:write',
         'sessions:read', 'sessions:write', 'users:read', 'users:write'], true),
       ('${DEFAULT_TENANT_ID}', 'vendor', ARRAY['platform:act', 'platform:metrics', 'platform:queues', 'platform:tenants'], true),
       ('${DEFAULT_TENANT_ID}', 'user', ARRAY[]::text[], true)`,
    `CREATE TABLE users.role_members (
       user_id uuid NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
       tenant_id uuid NOT NULL,
       role text NOT NULL,
       granted_by uuid,
       granted_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
       PRIMARY KEY (user_id, role)
     )`,
    "CREATE INDEX role_members_role ON users.role_members (tenant_id, role, user_id)",
    ...roleFunctions,

    `CREATE TABLE users.subscriptions (
       user_id uuid PRIMARY KEY REFERENCES users.users (id) ON DELETE CASCADE,
       plan text NOT NULL,
       started_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
       expires_at timestamptz(3)
     )`,

    `CREATE TABLE users.email_changes (
       token_id uuid PRIMARY KEY,
       user_id uuid NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
       old_email text NOT NULL,
       new_email text NOT NULL,
       new_email_key text NOT NULL,
       state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'applied', 'refused', 'ended')),
       requested_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
     )`,
    "CREATE INDEX email_changes_user ON users.email_changes (user_id)",
    "CREATE INDEX email_changes_requested ON users.email_changes (requested_at)",

    ...serviceTables("users"),
  ],
  down: [
    "DROP FUNCTION users.append_event, users.granted_roles, users.granted_permissions",
    `DROP TABLE users.email_changes, users.subscriptions, users.role_members, users.roles, users.profiles, users.users,
       users.tenants, users.erased, users.idempotency, users.inbox, users.outbox, users.event_counters`,
  ],
};
