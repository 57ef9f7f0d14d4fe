-- migrate:up

ALTER TABLE auth.oauth_states
  ADD COLUMN client_state text,
  ADD COLUMN code_challenge text;

-- A spent code is kept for an hour, so that its second use ends the session of the first.
ALTER TABLE auth.oauth_codes
  ADD COLUMN code_challenge text,
  ADD COLUMN auth_time int NOT NULL DEFAULT 0,
  ADD COLUMN spent_for uuid,
  ADD COLUMN replayed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN auth.oauth_codes.spent_for IS 'the session that the code was exchanged for';

-- migrate:down

ALTER TABLE auth.oauth_codes
  DROP COLUMN code_challenge, DROP COLUMN auth_time, DROP COLUMN spent_for, DROP COLUMN replayed;
ALTER TABLE auth.oauth_states DROP COLUMN client_state, DROP COLUMN code_challenge;
