-- migrate:up

-- The part of a secret before its seal tells scheme and cost. By it, weak hashes are found, and those that take longer.
CREATE INDEX credentials_label ON auth.credentials (split_part(secret, '$', 1)) WHERE kind = 'password';

-- migrate:down

DROP INDEX auth.credentials_label;
