-- migrate:up

CREATE TABLE auth.credentials (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('password', 'totp', 'passkey')),
  secret text NOT NULL,
  kid text NOT NULL,
  confirmed boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN auth.credentials.kid IS 'key of the key ring that the secret is sealed under';
COMMENT ON COLUMN auth.credentials.confirmed IS
  'the account is known to exist: the sweep of orphaned credentials need not ask again';
CREATE UNIQUE INDEX credentials_one_password ON auth.credentials (user_id) WHERE kind = 'password';
CREATE INDEX credentials_user ON auth.credentials (user_id);
CREATE INDEX credentials_kid ON auth.credentials (kid, id);
CREATE INDEX credentials_unconfirmed ON auth.credentials (created_at) WHERE NOT confirmed;

-- Accounts linked at an identity provider. An account has at most one identity per provider.
CREATE TABLE auth.identities (
  tenant_id uuid NOT NULL,
  issuer text NOT NULL,
  sub text NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  email text,
  PRIMARY KEY (tenant_id, issuer, sub)
);
CREATE UNIQUE INDEX identities_one_per_issuer ON auth.identities (user_id, issuer);

-- The tokens themselves are not stored: they are derived from these rows when a mail is sent.
CREATE TABLE auth.one_time_tokens (
  id uuid PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  purpose text NOT NULL,
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
);
CREATE INDEX one_time_tokens_account ON auth.one_time_tokens (user_id, purpose, seq);
CREATE INDEX one_time_tokens_pending ON auth.one_time_tokens (user_id, purpose, requested_at) WHERE spent_at IS NULL;
CREATE INDEX one_time_tokens_requested ON auth.one_time_tokens (requested_at);

-- Failed login attempts. `key` is the hash of an account's name (then it equals `account`), or of that name and a
-- client address. See sql/login-attempts.sql.
CREATE TABLE auth.login_attempts (
  key text PRIMARY KEY,
  account text NOT NULL,
  user_id uuid,
  failed int NOT NULL DEFAULT 0,
  pending int NOT NULL DEFAULT 0,
  throttled_until timestamptz,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX login_attempts_account ON auth.login_attempts (account);
CREATE INDEX login_attempts_user ON auth.login_attempts (user_id);
CREATE INDEX login_attempts_at ON auth.login_attempts (at);

CREATE TABLE auth.signing_keys (
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
);

-- Sign-ins under way at a provider. Only the hash of the state is stored; nonce and PKCE verifier are derived from the
-- state, so that a reader of this table can use none of it. `user_id`, `tenant_id`, `session_id` and `epoch` are set
-- where a signed-in user links a provider.
CREATE TABLE auth.oauth_states (
  hash text PRIMARY KEY,
  kid text NOT NULL,
  provider text NOT NULL,
  tenant text NOT NULL,
  browser_hash text NOT NULL,
  return_to text,
  user_id uuid,
  tenant_id uuid,
  session_id uuid,
  epoch int,
  address_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  spent_at timestamptz,
  use_cookies boolean NOT NULL DEFAULT false
);
CREATE INDEX oauth_states_user ON auth.oauth_states (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX oauth_states_created ON auth.oauth_states (created_at);

-- One-time codes that a client exchanges for the result of a sign-in at a provider, or with which the session that
-- began to link a provider confirms it. `browser_hash`: a sign-in that ends in cookies belongs to the browser that
-- began it.
CREATE TABLE auth.oauth_codes (
  hash text PRIMARY KEY,
  user_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  epoch int NOT NULL,
  session_id uuid,
  issuer text,
  sub text,
  email text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  browser_hash text
);
CREATE INDEX oauth_codes_user ON auth.oauth_codes (user_id);
CREATE INDEX oauth_codes_created ON auth.oauth_codes (created_at);

-- migrate:down

DROP TABLE auth.oauth_codes, auth.oauth_states, auth.signing_keys, auth.login_attempts, auth.one_time_tokens,
  auth.identities, auth.credentials
  CASCADE;
