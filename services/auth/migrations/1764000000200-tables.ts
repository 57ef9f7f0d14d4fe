import type { Migration } from "../../../mixins/migration.ts";
import { serviceTables } from "../../../mixins/service-tables.ts";

const credentials = [
  `CREATE TABLE auth.credentials (
     id uuid PRIMARY KEY,
     user_id uuid NOT NULL,
     kind text NOT NULL CHECK (kind IN ('password', 'totp', 'passkey')),
     secret text NOT NULL,
     kid text NOT NULL,
     confirmed boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  "COMMENT ON COLUMN auth.credentials.confirmed IS 'the account is known to exist: the sweep of orphans need not ask again'",
  "CREATE UNIQUE INDEX credentials_one_password ON auth.credentials (user_id) WHERE kind = 'password'",
  "CREATE INDEX credentials_user ON auth.credentials (user_id)",
  "CREATE INDEX credentials_kid ON auth.credentials (kid, id)",
  "CREATE INDEX credentials_unconfirmed ON auth.credentials (created_at) WHERE NOT confirmed",
];

const identities = [
  `CREATE TABLE auth.identities (
     tenant_id uuid NOT NULL,
     issuer text NOT NULL,
     sub text NOT NULL,
     user_id uuid NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (tenant_id, issuer, sub)
   )`,
  "CREATE INDEX identities_user ON auth.identities (user_id)",
];

const oneTimeTokens = [
  `CREATE TABLE auth.one_time_tokens (
     id uuid PRIMARY KEY,
     seq bigint GENERATED ALWAYS AS IDENTITY,
     purpose text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'change_email', 'invite')),
     user_id uuid,
     tenant_id uuid NOT NULL,
     email_key_hash text NOT NULL,
     epoch int,
     kid text NOT NULL,
     event_id uuid NOT NULL,
     payload jsonb,
     requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     derived_at timestamptz,
     first_sent_at timestamptz,
     spent_at timestamptz
   )`,
  "CREATE INDEX one_time_tokens_account ON auth.one_time_tokens (user_id, purpose, seq)",
  "CREATE INDEX one_time_tokens_pending ON auth.one_time_tokens (user_id, purpose, requested_at) WHERE spent_at IS NULL",
  "CREATE INDEX one_time_tokens_requested ON auth.one_time_tokens (requested_at)",
];

/**
 * A guess is pending from before the hash is looked at until it is settled. Pending ones fill the limit like wrong ones,
 * so that n attempts at once are no more than n in a row; whoever would go beyond it waits for those in flight (-1).
 */
const loginAttempts = [
  `CREATE TABLE auth.login_attempts (
     key text PRIMARY KEY,
     account text NOT NULL,
     user_id uuid,
     failed int NOT NULL DEFAULT 0,
     pending int NOT NULL DEFAULT 0,
     throttled_until timestamptz,
     at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  "CREATE INDEX login_attempts_account ON auth.login_attempts (account)",
  "CREATE INDEX login_attempts_user ON auth.login_attempts (user_id)",
  "CREATE INDEX login_attempts_at ON auth.login_attempts (at)",
  `CREATE FUNCTION auth.attempt_throttled_until(p_failed int, p_limit int) RETURNS timestamptz
     LANGUAGE sql VOLATILE AS $$
     SELECT CASE WHEN p_failed >= p_limit
       THEN clock_timestamp() + make_interval(secs => least(900, 30 * 2 ^ least(p_failed - p_limit, 10))) END
   $$`,
  `CREATE FUNCTION auth.lock_attempt(p_key text, p_limit int) RETURNS auth.login_attempts
     LANGUAGE plpgsql VOLATILE AS $$
     DECLARE r auth.login_attempts;
     BEGIN
       SELECT * INTO r FROM auth.login_attempts WHERE key = p_key FOR UPDATE;
       IF r.pending > 0 AND r.at < clock_timestamp() - interval '20 seconds' THEN
         -- Whoever looked at the hash died before he could say what it was: counted as wrong.
         UPDATE auth.login_attempts SET failed = failed + pending, pending = 0,
             throttled_until = auth.attempt_throttled_until(failed + pending, p_limit)
           WHERE key = p_key RETURNING * INTO r;
       END IF;
       RETURN r;
     END $$`,
  `CREATE FUNCTION auth.reserve_attempt(p_account text, p_address text, p_user uuid, p_account_limit int, p_address_limit int, p_lifetime_limit int) RETURNS int
     LANGUAGE plpgsql VOLATILE AS $$
     DECLARE
       a auth.login_attempts;
       b auth.login_attempts;
       v_until timestamptz;
     BEGIN
       INSERT INTO auth.login_attempts (key, account, user_id) VALUES (p_account, p_account, p_user) ON CONFLICT DO NOTHING;
       INSERT INTO auth.login_attempts (key, account, user_id) VALUES (p_address, p_account, p_user) ON CONFLICT DO NOTHING;
       a := auth.lock_attempt(p_account, p_account_limit);
       b := auth.lock_attempt(p_address, p_address_limit);
       IF a.key IS NULL OR b.key IS NULL THEN RETURN -1; END IF;
       IF a.failed >= p_lifetime_limit THEN RETURN 900; END IF;
       v_until := greatest(a.throttled_until, b.throttled_until);
       IF v_until > clock_timestamp() THEN
         RETURN ceil(extract(epoch FROM v_until - clock_timestamp()))::int;
       END IF;
       IF (a.pending > 0 AND a.failed + a.pending >= p_account_limit) OR (b.pending > 0 AND b.failed + b.pending >= p_address_limit) THEN
         RETURN -1;
       END IF;
       UPDATE auth.login_attempts SET pending = pending + 1, at = clock_timestamp() WHERE key IN (p_account, p_address);
       RETURN 0;
     END $$`,
  `CREATE FUNCTION auth.record_attempt(p_account text, p_address text, p_outcome text, p_account_limit int, p_address_limit int) RETURNS void
     LANGUAGE plpgsql VOLATILE AS $$
     DECLARE
       v_key text;
       v_limit int;
     BEGIN
       FOR v_key, v_limit IN VALUES (p_account, p_account_limit), (p_address, p_address_limit) LOOP
         PERFORM 1 FROM auth.login_attempts WHERE key = v_key FOR UPDATE;
         IF p_outcome = 'success' THEN
           UPDATE auth.login_attempts SET failed = 0, throttled_until = NULL, pending = greatest(pending - 1, 0) WHERE key = v_key;
         ELSIF p_outcome = 'failure' THEN
           UPDATE auth.login_attempts SET failed = failed + 1, pending = greatest(pending - 1, 0),
               throttled_until = auth.attempt_throttled_until(failed + 1, v_limit)
             WHERE key = v_key;
         ELSE
           UPDATE auth.login_attempts SET pending = greatest(pending - 1, 0) WHERE key = v_key;
         END IF;
         DELETE FROM auth.login_attempts WHERE key = v_key AND failed = 0 AND pending = 0;
       END LOOP;
     END $$`,
];

const signingKeys = [
  `CREATE TABLE auth.signing_keys (
     kid text PRIMARY KEY,
     alg text NOT NULL,
     period int NOT NULL UNIQUE,
     private_jwk text NOT NULL,
     sealed_under text NOT NULL,
     public_jwk jsonb NOT NULL,
     publish_from timestamptz NOT NULL,
     sign_from timestamptz NOT NULL,
     sign_until timestamptz NOT NULL,
     verify_until timestamptz NOT NULL
   )`,
];

export const migration: Migration = {
  name: "AuthTables1764000000200",
  up: [...credentials, ...identities, ...oneTimeTokens, ...loginAttempts, ...signingKeys, ...serviceTables("auth")],
  down: [
    "DROP FUNCTION auth.append_event, auth.record_attempt, auth.reserve_attempt, auth.lock_attempt, auth.attempt_throttled_until",
    `DROP TABLE auth.credentials, auth.identities, auth.one_time_tokens, auth.login_attempts, auth.signing_keys,
       auth.event_counters, auth.outbox, auth.inbox, auth.idempotency, auth.erased`,
  ],
};
