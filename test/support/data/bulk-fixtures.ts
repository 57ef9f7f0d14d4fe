import type { TestDatabase } from "../start/database.ts";

const tenant = "00000000-0000-7000-8000-000000000001";
/** The id of account `n`. */
const user = (n: string) => `('01990000-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
const many = (count: number) => `generate_series(1, ${count}) AS n`;

const schemas = ["users", "auth", "sessions", "preferences", "mail", "admin", "webhooks"];

/** What every service has of the mesh: all of it relayed, handled and answered long enough ago to be of no more use today, none so long that it is swept. */
function meshRows(schema: string, count: number): string[] {
  return [
    `INSERT INTO ${schema}.event_counters (user_id, version) SELECT ${user("n")}, 1 FROM ${many(count)}`,
    `INSERT INTO ${schema}.outbox (kind, event_id, user_id, body, published_at)
     SELECT 'event', gen_random_uuid(), ${user("n")}, '{"event_type": "user.updated", "version": 1}', now() FROM ${many(count)}`,
    `INSERT INTO ${schema}.inbox (event_id, operation) SELECT gen_random_uuid(), 'effect' FROM ${many(count)}`,
    `INSERT INTO ${schema}.idempotency (scope, key, body_kid, body_mac, user_id)
     SELECT 'scope', n::text, 'k1', 'mac', ${user("n")} FROM ${many(count)}`,
    `INSERT INTO ${schema}.erased (user_id) SELECT gen_random_uuid() FROM ${many(count)}`,
  ];
}

const accounts = (count: number) => [
  `INSERT INTO users.users (id, tenant_id, email, email_key, username, username_key, full_name, bio, search_text, is_active,
     is_verified, created_at, last_login_at)
   SELECT ${user("n")}, '${tenant}', e, e, 'name-' || n, 'name-' || n, initcap(substr(md5(n::text), 1, 9)), repeat('word ', 60),
     md5(n::text) || E'\\n' || e, n % 20 > 0, n % 10 > 0, now() - n * interval '1 minute',
     CASE WHEN n % 5 > 0 THEN now() - n * interval '1 second' END
   FROM (SELECT n, n || '@example.com' AS e FROM ${many(count)}) AS named`,
  `INSERT INTO users.profiles (user_id, fields, sealed)
   SELECT ${user("n")}, jsonb_build_object('industry', 'industry ' || n % 100), 'v1.k1.' || md5(n::text) FROM ${many(count)}`,
  `INSERT INTO users.subscriptions (user_id, plan, expires_at)
   SELECT ${user("n")}, 'premium', now() + interval '30 days' FROM ${many(count / 4)}`,
  `INSERT INTO users.role_members (user_id, tenant_id, role)
   SELECT ${user("n")}, '${tenant}', CASE n % 200 WHEN 0 THEN 'editor' ELSE 'role-' || n % 200 END FROM ${many(count)}`,
  `INSERT INTO users.email_changes (token_id, user_id, old_email, new_email, new_email_key)
   SELECT gen_random_uuid(), ${user("n")}, 'old', 'new', 'new' FROM ${many(count / 4)}`,
  `INSERT INTO users.avatars (key, user_id, in_use) SELECT md5(n::text), ${user("n")}, true FROM ${many(count / 2)}`,
  `INSERT INTO users.erasures (id, user_id, tenant_id, requested_by, due_at, deadline, completed_at)
   SELECT gen_random_uuid(), gen_random_uuid(), '${tenant}', gen_random_uuid(), now(), now(), now() FROM ${many(count / 4)}`,
];

const credentials = (count: number) => [
  `INSERT INTO auth.credentials (id, user_id, kind, secret, kid, confirmed)
   SELECT gen_random_uuid(), ${user("n")}, 'password', 'bcrypt$x', 'k1', true FROM ${many(count)}`,
  `INSERT INTO auth.identities (tenant_id, issuer, sub, user_id)
   SELECT '${tenant}', 'https://issuer-' || n % 3, n::text, ${user("n")} FROM ${many(count)}`,
  `INSERT INTO auth.one_time_tokens (id, purpose, user_id, tenant_id, email_key_hash, kid, event_id, spent_at)
   SELECT gen_random_uuid(), 'verify_email', ${user("n")}, '${tenant}', 'hash', 'k1', gen_random_uuid(), now() FROM ${many(count)}`,
  `INSERT INTO auth.login_attempts (key, account, user_id, failed) SELECT n::text, n::text, ${user("n")}, 1 FROM ${many(count)}`,
];

const sessions = (count: number) => [
  `INSERT INTO sessions.accounts (user_id) SELECT ${user("n")} FROM ${many(count)}`,
  `INSERT INTO sessions.sessions (id, user_id, tenant_id, kid, salt, amr, auth_time, device_type, created_at, last_used_at,
     expires_at, max_expires_at, sweep_on)
   SELECT gen_random_uuid(), ${user("n")}, '${tenant}', 'k1', 'salt', '{pwd}', now(), 'desktop', now(), now(),
     now() + interval '7 days', now() + interval '30 days', current_date + 31 FROM ${many(count)}`,
];

const rest = (count: number) => [
  `INSERT INTO preferences.preferences (user_id, overrides, confirmed) SELECT ${user("n")}, '{"remote": true}', true FROM ${many(count)}`,
  `INSERT INTO admin.activity (id, tenant_id, action, actor_id, user_id, at, seq, hash, actor_hash, subject_hash)
   SELECT gen_random_uuid(), '${tenant}', (ARRAY['session.created', 'user.updated', 'password.changed'])[1 + n % 3], ${user("n")},
     ${user("n")}, now() - n * interval '1 minute', n + 1000, '', '', '' FROM ${many(count)}`,
  // What the trigger would have kept: the next entry of the chain follows the last one.
  `INSERT INTO admin.activity_chains SELECT tenant_id, max(seq), '' FROM admin.activity GROUP BY 1
   ON CONFLICT (tenant_id) DO UPDATE SET seq = excluded.seq`,
];

/** So many accounts with all that they leave in the tables of all services, straight into these. */
export async function addBulkFixtures(database: TestDatabase, count: number): Promise<void> {
  const statements = [...accounts(count), ...credentials(count), ...sessions(count), ...rest(count)];
  const filling = [...schemas.flatMap((schema) => meshRows(schema, count / 4)), ...statements];
  // No triggers, which would take a row each.
  await database.query(["SET session_replication_role = replica", ...filling].join(";\n"));
  await database.query("VACUUM ANALYZE");
}

export interface Scanned {
  readonly table: string;
  readonly scans: number;
}

/** How often each table of some size was read from end to end. Sessions tell it when they end, so all others must have. */
export function fullScans(database: TestDatabase, least: number): Promise<Scanned[]> {
  return database.query<Scanned>(
    `SELECT s.schemaname || '.' || s.relname AS table, s.seq_scan::int AS scans FROM pg_stat_user_tables s
     JOIN pg_class c ON c.oid = s.relid WHERE c.reltuples >= ${least} ORDER BY 1`,
  );
}
