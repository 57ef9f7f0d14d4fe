-- migrate:up

-- `operator:<name>` if an operator acted, who has no account; then `actor_id` is null.
ALTER TABLE admin.activity ADD COLUMN actor text;

-- migrate:down

ALTER TABLE admin.activity DROP COLUMN actor;
