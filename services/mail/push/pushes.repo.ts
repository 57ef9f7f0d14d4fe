import type { RowOf } from "../../../lib/database/entity.ts";
import type { Database, Transaction } from "../../../mixins/database.mixin.ts";
import { newLockExpiry } from "../delivery.repo.ts";
import type { Pushes } from "../mail.entities.ts";

export interface Push {
  readonly id: string;
  readonly user_id: string;
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
}

export type SkipReason = NonNullable<RowOf<typeof Pushes>["reason"]>;

/** False if the id exists already or its user was erased. */
export async function insertPush(tx: Transaction, push: Push): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO mail.pushes (id, user_id, title, body, data) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [push.id, push.user_id, push.title, push.body, JSON.stringify(push.data)],
  );
  return rows.length === 1;
}

/** The push for the first worker, or the first one after the previous lock has expired. */
export async function lockPush(db: Database, id: string, lockId: string): Promise<Push | undefined> {
  const rows = await db.query<Push>(
    `UPDATE mail.pushes SET locked_by = $2, locked_until = ${newLockExpiry}
     WHERE id = $1 AND state = 'pending' AND (locked_until IS NULL OR locked_until < clock_timestamp())
     RETURNING id, user_id, title, body, data`,
    [id, lockId],
  );
  return rows[0];
}

/** The row remains to prevent a second delivery; its text is no longer needed. */
const deleteText = "title = NULL, body = NULL, data = NULL, locked_by = NULL, locked_until = NULL";

/** Regardless of who holds the lock by now: the push service has accepted it. */
export async function recordPushSent(db: Database, id: string): Promise<void> {
  await db.query(
    `UPDATE mail.pushes SET state = 'sent', sent_at = coalesce(sent_at, clock_timestamp()), ${deleteText} WHERE id = $1`,
    [id],
  );
}

export async function recordPushSkipped(db: Database, id: string, lockId: string, reason: SkipReason): Promise<void> {
  await db.query(
    `UPDATE mail.pushes SET state = 'skipped', reason = $3, ${deleteText} WHERE id = $1 AND locked_by = $2 AND state = 'pending'`,
    [id, lockId, reason],
  );
}
