-- migrate:up

CREATE TABLE preferences.preferences (
  user_id uuid PRIMARY KEY,
  overrides jsonb NOT NULL DEFAULT '{}',
  confirmed boolean NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN preferences.preferences.overrides IS 'what differs from the defaults';
COMMENT ON COLUMN preferences.preferences.confirmed IS 'the account is known to exist';
CREATE INDEX preferences_unconfirmed ON preferences.preferences (created_at) WHERE NOT confirmed;

-- migrate:down

DROP TABLE preferences.preferences CASCADE;
