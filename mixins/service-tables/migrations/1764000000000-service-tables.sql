-- The tables that every service has in its own schema; `:schema` stands for its name.

-- migrate:up

-- The version of a user's latest event.
CREATE TABLE :schema.event_counters (
  user_id uuid PRIMARY KEY,
  version int NOT NULL
);

-- Events and jobs that were committed with the change that caused them and are relayed afterwards.
CREATE TABLE :schema.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('event', 'job')),
  event_id uuid NOT NULL UNIQUE,
  user_id uuid NOT NULL,
  body jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  published_at timestamptz
);
CREATE INDEX outbox_unpublished ON :schema.outbox (kind, id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON :schema.outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_user ON :schema.outbox (user_id);

-- Events whose effect has been applied.
CREATE TABLE :schema.inbox (
  event_id uuid NOT NULL,
  operation text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (event_id, operation)
);
CREATE INDEX inbox_at ON :schema.inbox (at);

-- Results of requests that carried an Idempotency-Key. `body_mac` is the MAC of the request's body under `body_kid`.
CREATE TABLE :schema.idempotency (
  scope text NOT NULL,
  key text NOT NULL,
  body_kid text NOT NULL,
  body_mac text NOT NULL,
  user_id uuid,
  answer json,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_created ON :schema.idempotency (created_at);
CREATE INDEX idempotency_user ON :schema.idempotency (user_id);

-- Users whose rows were erased here; sql/erasure-guards.sql keeps new rows about them out.
CREATE TABLE :schema.erased (
  user_id uuid PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- migrate:down

-- The function's return type is the outbox table's row type, so it must be dropped before the table.
DROP FUNCTION IF EXISTS :schema.take_outbox(int);
DROP TABLE :schema.event_counters, :schema.outbox, :schema.inbox, :schema.idempotency, :schema.erased;

-- Functions are not created by migrations but applied from the sql folders after them. The first migration drops all.
DO $$
DECLARE
  v_function regprocedure;
BEGIN
  FOR v_function IN SELECT oid FROM pg_proc WHERE pronamespace = ':schema'::regnamespace LOOP
    EXECUTE format('DROP FUNCTION %s', v_function);
  END LOOP;
END $$;
