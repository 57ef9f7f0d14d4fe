-- migrate:up

-- Null for an operator, who has no account. The event `user.deleted` names them.
ALTER TABLE users.erasures ALTER COLUMN requested_by DROP NOT NULL;

-- migrate:down

UPDATE users.erasures SET requested_by = user_id WHERE requested_by IS NULL;
ALTER TABLE users.erasures ALTER COLUMN requested_by SET NOT NULL;
