import type { RowOf } from "../../../lib/database/entity.ts";
import type { Database, Transaction } from "../../../mixins/database/database.mixin.ts";
import { NEW_LOCK_EXPIRY } from "../delivery.repo.ts";
import { Pushes } from "../mail.entities.ts";

type Row = RowOf<typeof Pushes>;
type TextColumn = "title" | "body" | "data";

/** A pending push: its text is still stored. */
export type Push = Pick<Row, "id" | "user_id"> & { readonly [K in TextColumn]: NonNullable<Row[K]> };

export type SkipReason = NonNullable<Row["reason"]>;

/** False if the id exists already or the user was erased. */
export function insertPush(tx: Transaction, push: Push): Promise<boolean> {
  return tx.repository(Pushes).insertOrIgnore(push);
}

/** Undefined if the push is not pending or another worker holds a lock that has not expired. */
export async function lockPush(db: Database, id: string, lockId: string): Promise<Push | undefined> {
  const rows = await db.query<Push>(
    `UPDATE mail.pushes SET locked_by = $2, locked_until = ${NEW_LOCK_EXPIRY}
     WHERE id = $1 AND state = 'pending' AND (locked_until IS NULL OR locked_until < clock_timestamp())
     RETURNING id, user_id, title, body, data`,
    [id, lockId],
  );
  return rows[0];
}

/** The row remains to prevent a second delivery; its text is no longer needed. */
const CLEAR_TEXT_AND_LOCK = "title = NULL, body = NULL, data = NULL, locked_by = NULL, locked_until = NULL";

/**
 * Even if another worker holds the lock by now: the push service has accepted the push, so it must not be sent again.
 */
export async function recordPushSent(db: Database, id: string): Promise<void> {
  await db.query(
    `UPDATE mail.pushes SET state = 'sent', sent_at = coalesce(sent_at, clock_timestamp()), ${CLEAR_TEXT_AND_LOCK} WHERE id = $1`,
    [id],
  );
}

export async function recordPushSkipped(db: Database, id: string, lockId: string, reason: SkipReason): Promise<void> {
  await db.query(
    `UPDATE mail.pushes SET state = 'skipped', reason = $3, ${CLEAR_TEXT_AND_LOCK} WHERE id = $1 AND locked_by = $2 AND state = 'pending'`,
    [id, lockId, reason],
  );
}
