import { columnsOf } from "../../../lib/database/entity.ts";
import type { Database, Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { type EndpointRow, Endpoints } from "../webhooks.entities.ts";

const columns = columnsOf(Endpoints, "e");

/** Serializes the creation of endpoints of a tenant with one another and with the tenant's erasure. */
export async function lockTenant(tx: Transaction, tenantId: string): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('webhooks.tenant', 0) # hashtextextended($1, 0))", [
    tenantId,
  ]);
}

export async function isTenantErased(tx: Transaction, tenantId: string): Promise<boolean> {
  return (await tx.query("SELECT FROM webhooks.erased_tenants WHERE tenant_id = $1", [tenantId])).length > 0;
}

export async function countEndpoints(tx: Transaction, tenantId: string): Promise<number> {
  const sql = "SELECT count(*)::int AS n FROM webhooks.endpoints WHERE tenant_id = $1";
  return (await tx.query<{ n: number }>(sql, [tenantId]))[0]?.n ?? 0;
}

type NewEndpoint = Pick<EndpointRow, "id" | "tenant_id" | "url" | "description" | "event_types" | "secret">;

export async function insertEndpoint(tx: Transaction, one: NewEndpoint): Promise<EndpointRow> {
  const [row] = await tx.query<EndpointRow>(
    `INSERT INTO webhooks.endpoints AS e (id, tenant_id, url, description, event_types, secret)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${columns}`,
    [one.id, one.tenant_id, one.url, one.description, one.event_types, one.secret],
  );
  return row as EndpointRow;
}

/** Oldest first. */
export function listEndpoints(db: Database, tenantId: string): Promise<EndpointRow[]> {
  const sql = `SELECT ${columns} FROM webhooks.endpoints e WHERE tenant_id = $1 ORDER BY created_at, id`;
  return db.query<EndpointRow>(sql, [tenantId]);
}

export async function findEndpoint(on: Queryable, tenantId: string, id: string): Promise<EndpointRow | undefined> {
  const sql = `SELECT ${columns} FROM webhooks.endpoints e WHERE tenant_id = $1 AND id = $2`;
  return (await on.query<EndpointRow>(sql, [tenantId, id]))[0];
}

/** Locks the endpoint against deletion until the transaction ends. Attempts to deliver, which update it, do not wait. */
export async function keepEndpoint(tx: Transaction, tenantId: string, id: string): Promise<EndpointRow | undefined> {
  const sql = `SELECT ${columns} FROM webhooks.endpoints e WHERE tenant_id = $1 AND id = $2 FOR KEY SHARE`;
  return (await tx.query<EndpointRow>(sql, [tenantId, id]))[0];
}

export async function lockEndpoint(tx: Transaction, tenantId: string, id: string): Promise<EndpointRow | undefined> {
  const sql = `SELECT ${columns} FROM webhooks.endpoints e WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE`;
  return (await tx.query<EndpointRow>(sql, [tenantId, id]))[0];
}

type ChangedColumns = Pick<
  EndpointRow,
  "id" | "url" | "description" | "event_types" | "is_enabled" | "disabled_reason" | "failing_since" | "retry_at"
>;

export async function updateEndpoint(tx: Transaction, one: ChangedColumns): Promise<EndpointRow> {
  const [row] = await tx.query<EndpointRow>(
    `UPDATE webhooks.endpoints e SET url = $2, description = $3, event_types = $4, is_enabled = $5, disabled_reason = $6,
       failing_since = $7, retry_at = $8, updated_at = clock_timestamp() WHERE id = $1 RETURNING ${columns}`,
    [
      one.id,
      one.url,
      one.description,
      one.event_types,
      one.is_enabled,
      one.disabled_reason,
      one.failing_since,
      one.retry_at,
    ],
  );
  return row as EndpointRow;
}

type Secrets = Pick<EndpointRow, "id" | "secret" | "previous_secret" | "previous_secret_until">;

export async function replaceSecrets(tx: Transaction, one: Secrets): Promise<EndpointRow> {
  const [row] = await tx.query<EndpointRow>(
    `UPDATE webhooks.endpoints e SET secret = $2, previous_secret = $3, previous_secret_until = $4,
       updated_at = clock_timestamp() WHERE id = $1 RETURNING ${columns}`,
    [one.id, one.secret, one.previous_secret, one.previous_secret_until],
  );
  return row as EndpointRow;
}

/** Deletes the endpoint with its deliveries. */
export async function deleteEndpoint(tx: Transaction, tenantId: string, id: string): Promise<boolean> {
  const sql = "DELETE FROM webhooks.endpoints WHERE tenant_id = $1 AND id = $2 RETURNING id";
  return (await tx.query(sql, [tenantId, id])).length === 1;
}

/** Deletes the endpoints of the tenant, and prevents new ones from being created for it. */
export async function eraseEndpoints(tx: Transaction, tenantId: string): Promise<void> {
  await tx.query("INSERT INTO webhooks.erased_tenants (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING", [tenantId]);
  await tx.query("DELETE FROM webhooks.endpoints WHERE tenant_id = $1", [tenantId]);
}

/** False if the endpoint was disabled, changed by somebody or has recovered meanwhile. */
export async function disableEndpoint(
  db: Database,
  { id, updated_at }: Pick<EndpointRow, "id" | "updated_at">,
  reason: "failing" | "gone",
): Promise<boolean> {
  const rows = await db.query(
    `UPDATE webhooks.endpoints SET is_enabled = false, disabled_reason = $3, updated_at = clock_timestamp()
     WHERE id = $1 AND is_enabled AND updated_at = $2 AND failing_since IS NOT NULL RETURNING id`,
    [id, updated_at, reason],
  );
  return rows.length === 1;
}

/** Deletes secrets that no longer sign since their endpoints have new ones. Returns how many. */
export async function deleteExpiredSecrets(db: Database): Promise<number> {
  const expired = await db.query(
    `UPDATE webhooks.endpoints SET previous_secret = NULL, previous_secret_until = NULL
     WHERE previous_secret_until < now() RETURNING id`,
  );
  return expired.length;
}

export type SealedSecrets = Pick<EndpointRow, "id" | "secret" | "previous_secret">;

/** Endpoints with a secret under another key than `kid`. Compares with `<` and `>`, because `<>` can't use the indexes. */
export function endpointsNotUnder(db: Database, kid: string, limit: number): Promise<SealedSecrets[]> {
  const under = (column: "secret" | "previous_secret", comparison: string) =>
    `SELECT id, secret, previous_secret FROM webhooks.endpoints
     WHERE ${column} IS NOT NULL AND split_part(${column}, '.', 2) ${comparison} $1`;
  const all = [
    under("secret", "<"),
    under("secret", ">"),
    under("previous_secret", "<"),
    under("previous_secret", ">"),
  ];
  return db.query<SealedSecrets>(`${all.join(" UNION ")} LIMIT $2`, [kid, limit]);
}

/** Changes nothing and returns false if a secret has changed since it was read. */
export async function replaceSealed(
  db: Database,
  current: SealedSecrets,
  next: Pick<SealedSecrets, "secret" | "previous_secret">,
): Promise<boolean> {
  const rows = await db.query(
    `UPDATE webhooks.endpoints SET secret = $4, previous_secret = $5
     WHERE id = $1 AND secret = $2 AND previous_secret IS NOT DISTINCT FROM $3 RETURNING id`,
    [current.id, current.secret, current.previous_secret, next.secret, next.previous_secret],
  );
  return rows.length === 1;
}
