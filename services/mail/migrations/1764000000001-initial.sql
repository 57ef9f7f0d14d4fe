-- migrate:up

-- Contains ids only: addresses and names are read when a message is sent, and not stored. A row is locked while its
-- message is being sent and kept afterwards, so that the message is not sent twice.
CREATE TABLE mail.messages (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  user_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'sent', 'skipped')),
  locked_by uuid,
  locked_until timestamptz,
  sent_at timestamptz,
  confirmed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX messages_created ON mail.messages (created_at);
CREATE INDEX messages_user ON mail.messages (user_id);

-- The text of a push comes with the request, so it is stored until the push is sent, and no longer.
CREATE TABLE mail.pushes (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  title text,
  body text,
  data jsonb,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'skipped')),
  reason text,
  locked_by uuid,
  locked_until timestamptz,
  sent_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX pushes_created ON mail.pushes (created_at);
CREATE INDEX pushes_user ON mail.pushes (user_id);

-- migrate:down

DROP TABLE mail.pushes, mail.messages CASCADE;
