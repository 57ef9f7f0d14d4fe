/**
 * The tables that every service with durable facts has in its own schema. `append_event` counts the user's version and
 * writes the fact in the caller's transaction: the counter row is locked first, so that the order of `id` is the order
 * in which a user's facts became true.
 */
export function serviceTables(schema: string): string[] {
  return [
    `CREATE TABLE ${schema}.event_counters (user_id uuid PRIMARY KEY, version int NOT NULL)`,
    `CREATE TABLE ${schema}.outbox (
       id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       kind text NOT NULL CHECK (kind IN ('event', 'job')),
       event_id uuid NOT NULL UNIQUE,
       user_id uuid NOT NULL,
       body jsonb NOT NULL,
       created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
       published_at timestamptz
     )`,
    `CREATE INDEX outbox_unpublished ON ${schema}.outbox (kind, id) WHERE published_at IS NULL`,
    `CREATE INDEX outbox_published ON ${schema}.outbox (published_at) WHERE published_at IS NOT NULL`,
    `CREATE INDEX outbox_user ON ${schema}.outbox (user_id)`,
    `CREATE TABLE ${schema}.inbox (
       event_id uuid NOT NULL,
       operation text NOT NULL,
       at timestamptz NOT NULL DEFAULT clock_timestamp(),
       PRIMARY KEY (event_id, operation)
     )`,
    `CREATE INDEX inbox_at ON ${schema}.inbox (at)`,
    `CREATE TABLE ${schema}.idempotency (
       scope text NOT NULL,
       key text NOT NULL,
       body_kid text NOT NULL,
       body_mac text NOT NULL,
       user_id uuid,
       answer json,
       created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
       PRIMARY KEY (scope, key)
     )`,
    `CREATE INDEX idempotency_created ON ${schema}.idempotency (created_at)`,
    `CREATE INDEX idempotency_user ON ${schema}.idempotency (user_id)`,
    `CREATE TABLE ${schema}.erased (user_id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())`,
    `CREATE FUNCTION ${schema}.append_event(p_event_id uuid, p_user_id uuid, p_body jsonb) RETURNS int
       LANGUAGE plpgsql VOLATILE AS $$
       DECLARE v int;
       BEGIN
         INSERT INTO ${schema}.event_counters AS c (user_id, version) VALUES (p_user_id, 1)
           ON CONFLICT (user_id) DO UPDATE SET version = c.version + 1 RETURNING version INTO v;
         INSERT INTO ${schema}.outbox (kind, event_id, user_id, body)
           VALUES ('event', p_event_id, p_user_id, p_body || jsonb_build_object('version', v));
         RETURN v;
       END $$`,
  ];
}
