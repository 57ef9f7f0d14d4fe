import type { Migration } from "../../../mixins/migration.ts";

/**
 * A state is kept as its hash alone; nonce and PKCE verifier are derived from it, so that nothing here is of use to who
 * reads it. `user_id` and what follows it are set where a signed-in user links a provider.
 */
const states = [
  `CREATE TABLE auth.oauth_states (
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
     spent_at timestamptz
   )`,
  "CREATE INDEX oauth_states_user ON auth.oauth_states (user_id) WHERE user_id IS NOT NULL",
  "CREATE INDEX oauth_states_created ON auth.oauth_states (created_at)",
];

/** What a one-time code stands for: a sign-in that was decided, or a link that waits for the session that began it. */
const codes = [
  `CREATE TABLE auth.oauth_codes (
     hash text PRIMARY KEY,
     user_id uuid NOT NULL,
     tenant_id uuid NOT NULL,
     epoch int NOT NULL,
     session_id uuid,
     issuer text,
     sub text,
     email text,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  "CREATE INDEX oauth_codes_user ON auth.oauth_codes (user_id)",
  "CREATE INDEX oauth_codes_created ON auth.oauth_codes (created_at)",
];

/** One identity of a provider for each account: another one there is another person, or another decision of his. */
const identities = [
  "ALTER TABLE auth.identities ADD COLUMN email text",
  "DROP INDEX auth.identities_user",
  "CREATE UNIQUE INDEX identities_one_per_issuer ON auth.identities (user_id, issuer)",
];

export const migration: Migration = {
  name: "OAuth1764000000300",
  up: [...states, ...codes, ...identities],
  down: [
    "DROP TABLE auth.oauth_states, auth.oauth_codes",
    "DROP INDEX auth.identities_one_per_issuer",
    "CREATE INDEX identities_user ON auth.identities (user_id)",
    "ALTER TABLE auth.identities DROP COLUMN email",
  ],
};
