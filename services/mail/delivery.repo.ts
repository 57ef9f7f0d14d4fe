import type { RowOf } from "../../lib/database/entity.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import { deleteInBatches, sweepServiceTables } from "../../mixins/service-sweep.ts";
import type { Messages } from "./mail.entities.ts";

/** A lock that was not renewed for this long belongs to a node that died. */
export const LOCK_SECONDS = 10;
/** SQL for the time at which a lock that is taken or renewed now expires. */
export const NEW_LOCK_EXPIRY = `clock_timestamp() + make_interval(secs => ${LOCK_SECONDS})`;

export type DeliveryTable = "mail.messages" | "mail.pushes";
export type DeliveryState = RowOf<typeof Messages>["state"];

export interface DeliveryLock {
  readonly table: DeliveryTable;
  readonly id: string;
  readonly lockId: string;
}

/** Undefined for an erased user: the row was deleted. */
export async function findDeliveryState(
  db: Database,
  table: DeliveryTable,
  id: string,
): Promise<DeliveryState | undefined> {
  const [row] = await db.query<{ state: DeliveryState }>(`SELECT state FROM ${table} WHERE id = $1`, [id]);
  return row?.state;
}

export async function renewLock(db: Database, { table, id, lockId }: DeliveryLock): Promise<void> {
  await db.query(
    `UPDATE ${table} SET locked_until = ${NEW_LOCK_EXPIRY} WHERE id = $1 AND locked_by = $2 AND state = 'pending'`,
    [id, lockId],
  );
}

/** Called after a failed attempt, so that the next one need not wait until the lock expires. */
export async function releaseLock(db: Database, { table, id, lockId }: DeliveryLock): Promise<void> {
  await db.query(
    `UPDATE ${table} SET locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'pending'`,
    [id, lockId],
  );
}

/** A row prevents a second delivery. After 35 days, only an operator's retry of a dead letter could cause one. */
export async function sweepDeliveries(db: Database): Promise<Record<string, number>> {
  return {
    messages: await deleteInBatches(db, "mail.messages", "created_at < now() - interval '35 days'"),
    pushes: await deleteInBatches(db, "mail.pushes", "created_at < now() - interval '35 days'"),
    ...(await sweepServiceTables(db)),
  };
}
