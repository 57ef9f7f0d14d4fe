-- migrate:up

ALTER TABLE users.users
  ADD COLUMN hidden_until_verified boolean NOT NULL DEFAULT false,
  ADD COLUMN requested_username text;
COMMENT ON COLUMN users.users.hidden_until_verified IS
  'registered under PREVENT_USER_ENUMERATION: until its address is verified, nobody may notice that the account exists';
COMMENT ON COLUMN users.users.requested_username IS 'username that a hidden account gets when its address is verified';

-- migrate:down

ALTER TABLE users.users DROP COLUMN hidden_until_verified, DROP COLUMN requested_username;
