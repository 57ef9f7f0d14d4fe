-- migrate:up

CREATE TABLE webhooks.endpoints (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  url text NOT NULL,
  description text,
  event_types text[],
  is_enabled boolean NOT NULL DEFAULT true,
  disabled_reason text CHECK (disabled_reason IN ('administrator', 'failing', 'gone')),
  secret text NOT NULL,
  previous_secret text,
  previous_secret_until timestamptz,
  failing_since timestamptz(3),
  retry_at timestamptz,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  CHECK (is_enabled = (disabled_reason IS NULL)),
  CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
);
CREATE INDEX endpoints_tenant ON webhooks.endpoints (tenant_id, created_at, id);
-- A sealed value begins with `v1.<key id>.`: finds the rows sealed under an older key of the key ring.
CREATE INDEX endpoints_key ON webhooks.endpoints ((split_part(secret, '.', 2)));
CREATE INDEX endpoints_previous_key ON webhooks.endpoints ((split_part(previous_secret, '.', 2)))
  WHERE previous_secret IS NOT NULL;

-- One row for each event and endpoint, inserted in the transaction of the inbox row.
CREATE TABLE webhooks.deliveries (
  id uuid PRIMARY KEY,
  endpoint_id uuid NOT NULL REFERENCES webhooks.endpoints (id) ON DELETE CASCADE,
  tenant_id uuid NOT NULL,
  user_id uuid,
  message_id uuid NOT NULL,
  event_type text NOT NULL,
  payload text NOT NULL,
  run_id uuid NOT NULL,
  run_started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts int NOT NULL DEFAULT 0,
  last_attempt_at timestamptz(3),
  status_code int,
  error text,
  duration_ms int,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (endpoint_id, message_id)
);
CREATE INDEX deliveries_list ON webhooks.deliveries (endpoint_id, created_at, id);
CREATE INDEX deliveries_list_by_state ON webhooks.deliveries (endpoint_id, state, created_at, id);
CREATE INDEX deliveries_created ON webhooks.deliveries (created_at);
CREATE INDEX deliveries_pending ON webhooks.deliveries (run_started_at) WHERE state = 'pending';
CREATE INDEX deliveries_tenant ON webhooks.deliveries (tenant_id);
CREATE INDEX deliveries_user ON webhooks.deliveries (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE webhooks.erased_tenants (
  tenant_id uuid PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- migrate:down

DROP TABLE webhooks.deliveries, webhooks.endpoints, webhooks.erased_tenants;
