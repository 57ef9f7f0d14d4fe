import type { CursorPosition } from "../../../lib/actions/cursor.ts";
import { columnsOf } from "../../../lib/database/entity.ts";
import type { Database, Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { deleteOf } from "../../../mixins/personal-data/erasure.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";
import { Deliveries, type DeliveryRow, type EndpointRow } from "../webhooks.entities.ts";

const columns = columnsOf(Deliveries, "d");

/** A message that is due. `run_id` is the id of its job. */
export type DueDelivery = Pick<DeliveryRow, "id" | "run_id" | "endpoint_id">;
export type Message = Pick<DeliveryRow, "tenant_id" | "user_id" | "message_id" | "event_type" | "payload">;

/** Endpoints and events are dated by different machines, whose clocks are assumed to differ by less than this. */
const CLOCK_TOLERANCE = "interval '1 minute'";
/** Selects enabled endpoints that want events of type $2 and were created before the time $3. */
const subscribed = `e.is_enabled AND (e.event_types IS NULL OR $2 = ANY(e.event_types))
  AND e.created_at <= $3::timestamptz + ${CLOCK_TOLERANCE}`;

interface Occurrence {
  readonly tenant_id: string;
  readonly event_type: string;
  /** ISO 8601. */
  readonly timestamp: string;
}

/** Checked before anything is written, because most tenants have no webhooks. */
export async function isWanted(db: Database, { tenant_id, event_type, timestamp }: Occurrence): Promise<boolean> {
  const sql = `SELECT FROM webhooks.endpoints e WHERE e.tenant_id = $1 AND ${subscribed} LIMIT 1`;
  return (await db.query(sql, [tenant_id, event_type, timestamp])).length > 0;
}

/** One row for each subscribed endpoint. An endpoint that is being deleted meanwhile gets none. */
export function insertForAll(tx: Transaction, message: Message, timestamp: string): Promise<DueDelivery[]> {
  const { tenant_id, event_type, user_id, message_id, payload } = message;
  return tx.query<DueDelivery>(
    `INSERT INTO webhooks.deliveries (id, run_id, endpoint_id, tenant_id, event_type, user_id, message_id, payload)
     SELECT gen_random_uuid(), gen_random_uuid(), e.id, e.tenant_id, $2, $4::uuid, $5::uuid, $6
     FROM webhooks.endpoints e WHERE e.tenant_id = $1 AND ${subscribed} FOR KEY SHARE
     ON CONFLICT (endpoint_id, message_id) DO NOTHING RETURNING id, run_id, endpoint_id`,
    [tenant_id, event_type, timestamp, user_id, message_id, payload],
  );
}

type NewDelivery = Message & DueDelivery;

export async function insertDelivery(tx: Transaction, one: NewDelivery): Promise<DeliveryRow> {
  const [row] = await tx.query<DeliveryRow>(
    `INSERT INTO webhooks.deliveries AS d (id, run_id, endpoint_id, tenant_id, event_type, user_id, message_id, payload)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${columns}`,
    [one.id, one.run_id, one.endpoint_id, one.tenant_id, one.event_type, one.user_id, one.message_id, one.payload],
  );
  return row as DeliveryRow;
}

/** Gives the delivery a new `run_id`. The job of the earlier run then finds nothing to do. */
export async function startRun(
  tx: Transaction,
  { tenant_id, endpoint_id, id, run_id }: DueDelivery & Pick<DeliveryRow, "tenant_id">,
): Promise<DeliveryRow | undefined> {
  const [row] = await tx.query<DeliveryRow>(
    `UPDATE webhooks.deliveries d SET run_id = $4, run_started_at = clock_timestamp(), state = 'pending'
     WHERE tenant_id = $1 AND endpoint_id = $2 AND id = $3 RETURNING ${columns}`,
    [tenant_id, endpoint_id, id, run_id],
  );
  return row;
}

interface DeliveryFilter {
  readonly tenant_id: string;
  readonly endpoint_id: string;
  readonly state?: DeliveryRow["state"] | undefined;
}

/** Newest first. */
export function listDeliveries(
  db: Database,
  { tenant_id, endpoint_id, state }: DeliveryFilter,
  after: CursorPosition | null,
  limit: number,
): Promise<DeliveryRow[]> {
  // Every parameter has to be named in the statement, also those that do not limit the result.
  return db.query<DeliveryRow>(
    `SELECT ${columns} FROM webhooks.deliveries d WHERE tenant_id = $1 AND endpoint_id = $2
       ${state === undefined ? "AND $3::text IS NULL" : "AND state = $3"}
       ${after === null ? "AND $4::text IS NULL AND $5::text IS NULL" : "AND (created_at, id) < ($4::timestamptz, $5::uuid)"}
     ORDER BY created_at DESC, id DESC LIMIT $6`,
    [tenant_id, endpoint_id, state ?? null, after?.at ?? null, after?.id ?? null, limit],
  );
}

/** The columns of a delivery and its endpoint that an attempt needs. */
export type Attempt = Pick<DeliveryRow, "message_id" | "payload" | "event_type" | "run_id"> &
  Pick<
    EndpointRow,
    "tenant_id" | "url" | "is_enabled" | "secret" | "previous_secret" | "previous_secret_until" | "failing_since"
  > & { readonly delivery_id: string; readonly endpoint_id: string };

/** Undefined if the message was delivered, is sent by another job, or was deleted with its endpoint or user. */
export async function readAttempt(on: Queryable, id: string, runId: string): Promise<Attempt | undefined> {
  const [row] = await on.query<Attempt>(
    `SELECT d.id AS delivery_id, d.message_id, d.payload, d.event_type, d.run_id, e.id AS endpoint_id, e.tenant_id, e.url,
       e.is_enabled, e.secret, e.previous_secret, e.previous_secret_until, e.failing_since
     FROM webhooks.deliveries d JOIN webhooks.endpoints e ON e.id = d.endpoint_id
     WHERE d.id = $1 AND d.run_id = $2 AND d.state <> 'delivered'`,
    [id, runId],
  );
  return row;
}

export interface AttemptResult extends Pick<DeliveryRow, "state" | "status_code" | "error" | "duration_ms"> {
  readonly at: Date;
}

/** Nothing is recorded if a redelivery has begun meanwhile. */
export async function recordAttempt(
  tx: Transaction,
  { delivery_id, run_id }: Pick<Attempt, "delivery_id" | "run_id">,
  { state, status_code, error, duration_ms, at }: AttemptResult,
): Promise<void> {
  await tx.query(
    `UPDATE webhooks.deliveries SET state = $3, status_code = $4, error = $5, duration_ms = $6, attempts = attempts + 1,
       last_attempt_at = $7 WHERE id = $1 AND run_id = $2`,
    [delivery_id, run_id, state, status_code, error, duration_ms, at],
  );
}

/** Ends a run without an attempt. */
export async function giveUp(
  db: Database,
  { delivery_id, run_id }: Pick<Attempt, "delivery_id" | "run_id">,
  error: string,
): Promise<void> {
  await db.query("UPDATE webhooks.deliveries SET state = 'failed', error = $3 WHERE id = $1 AND run_id = $2", [
    delivery_id,
    run_id,
    error,
  ]);
}

export async function recordEndpointSuccess(tx: Transaction, endpointId: string): Promise<void> {
  await tx.query(
    "UPDATE webhooks.endpoints SET failing_since = NULL, retry_at = NULL WHERE id = $1 AND failing_since IS NOT NULL",
    [endpointId],
  );
}

/**
 * Claims the next request to a failing endpoint: true for one message at a time, and for none before `retry_at`. Other
 * messages that are due are not sent meanwhile, so that an endpoint that hangs can't occupy all workers. The claim lasts
 * longer than a request may take.
 */
export async function claimFailing(db: Database, endpointId: string, at: Date): Promise<boolean> {
  const rows = await db.query(
    `UPDATE webhooks.endpoints SET retry_at = $2::timestamptz + interval '15 seconds'
     WHERE id = $1 AND (retry_at IS NULL OR retry_at <= $2) RETURNING id`,
    [endpointId, at],
  );
  return rows.length === 1;
}

/**
 * Stops requests to the endpoint, for a tenth of the time for which it has been failing: two seconds at least, five minutes
 * at most.
 */
export async function recordEndpointFailure(
  tx: Transaction,
  endpointId: string,
  at: Date,
): Promise<Pick<EndpointRow, "failing_since" | "updated_at"> | undefined> {
  const [row] = await tx.query<Pick<EndpointRow, "failing_since" | "updated_at">>(
    `UPDATE webhooks.endpoints SET failing_since = coalesce(failing_since, $2::timestamptz),
       retry_at = $2::timestamptz + least(interval '5 minutes',
         greatest(interval '2 seconds', ($2::timestamptz - failing_since) / 10))
     WHERE id = $1 RETURNING failing_since, updated_at`,
    [endpointId, at],
  );
  return row;
}

const BATCH = 5_000;

/** Deletes the deliveries of a tenant, or of one of its endpoints. */
export async function clearDeliveries(db: Database, tenantId: string, endpointId?: string): Promise<void> {
  for (let count = BATCH; count === BATCH; ) {
    const [row] = await db.query<{ n: number }>(
      `WITH gone AS (
         DELETE FROM webhooks.deliveries WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM webhooks.deliveries WHERE tenant_id = $1 AND ($2::uuid IS NULL OR endpoint_id = $2)
           LIMIT ${BATCH})) RETURNING 1
       ) SELECT count(*)::int AS n FROM gone`,
      [tenantId, endpointId ?? null],
    );
    count = row?.n ?? 0;
  }
}

export function deleteOfUser(tx: Transaction, userId: string): Promise<number> {
  return deleteOf(tx, "DELETE FROM webhooks.deliveries WHERE user_id = $1", userId);
}

/**
 * Deletes deliveries after 30 days. A delivery that is still pending after three days, which is longer than all attempts
 * take, no longer has a job, so it is marked as failed: an operator has deleted the job, or Redis has lost its data.
 */
export async function sweepDeliveries(db: Database): Promise<Record<string, number>> {
  const abandoned = await db.query(
    `UPDATE webhooks.deliveries SET state = 'failed', error = 'abandoned'
     WHERE state = 'pending' AND run_started_at < now() - interval '3 days' RETURNING id`,
  );
  return {
    deliveries: await deleteInBatches(db, "webhooks.deliveries", "created_at < now() - interval '30 days'"),
    abandoned_deliveries: abandoned.length,
  };
}
