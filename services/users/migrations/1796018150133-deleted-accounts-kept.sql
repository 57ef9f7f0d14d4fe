-- migrate:up

ALTER TABLE users.erasures ALTER COLUMN due_at DROP NOT NULL, ALTER COLUMN deadline DROP NOT NULL;
COMMENT ON COLUMN users.erasures.due_at IS 'null while the deleted account is kept: ACCOUNT_DELETION_GRACE_DAYS is never';

-- migrate:down

-- A kept account stays kept: nothing erases it before that date.
UPDATE users.erasures SET due_at = coalesce(due_at, '9999-12-31T00:00:00Z'), deadline = coalesce(deadline, '9999-12-31T00:00:00Z');
ALTER TABLE users.erasures ALTER COLUMN due_at SET NOT NULL, ALTER COLUMN deadline SET NOT NULL;
COMMENT ON COLUMN users.erasures.due_at IS NULL;
