import type { Database, Transaction } from "../../../mixins/database/database.mixin.ts";
import { NEW_LOCK_EXPIRY } from "../delivery.repo.ts";
import type { MailJob } from "../mail.contract.ts";

/**
 * Locks the message, and inserts it first if it is new. False if it is not pending or another worker holds a lock that
 * has not expired.
 */
export async function lockMessage(db: Database, job: MailJob, lockId: string): Promise<boolean> {
  const rows = await db.query(
    `INSERT INTO mail.messages AS m (id, kind, user_id, tenant_id, state, locked_by, locked_until)
     VALUES ($1, $2, $3, $4, 'pending', $5, ${NEW_LOCK_EXPIRY})
     ON CONFLICT (id) DO UPDATE SET locked_by = excluded.locked_by, locked_until = excluded.locked_until
       WHERE m.state = 'pending' AND (m.locked_until IS NULL OR m.locked_until < clock_timestamp())
     RETURNING id`,
    [job.id, job.kind, job.user_id, job.tenant_id, lockId],
  );
  return rows.length === 1;
}

const MAX_NOTICES_PER_HOUR = 10;

/**
 * Inserts the message, unless the account had too many of its kind in the last hour: anyone can register someone else's
 * address and change the account again and again, which must not flood the mailbox.
 */
export async function admitNotice(tx: Transaction, { id, kind, user_id, tenant_id }: MailJob): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO mail.messages (id, kind, user_id, tenant_id, state) SELECT $1, $2, $3, $4, 'pending'
     WHERE $5 > (SELECT count(*) FROM mail.messages
       WHERE user_id = $3 AND kind = $2 AND created_at > clock_timestamp() - interval '1 hour')
     ON CONFLICT DO NOTHING RETURNING id`,
    [id, kind, user_id, tenant_id, MAX_NOTICES_PER_HOUR],
  );
  return rows.length === 1;
}

/** Even if another worker holds the lock by now: the server has accepted the message, so it must not be sent again. */
export async function recordMessageSent(db: Database, id: string): Promise<void> {
  await db.query(
    `UPDATE mail.messages SET state = 'sent', sent_at = coalesce(sent_at, clock_timestamp()), locked_by = NULL, locked_until = NULL
     WHERE id = $1`,
    [id],
  );
}

export async function recordMessageSkipped(db: Database, id: string, lockId: string): Promise<void> {
  await db.query(
    "UPDATE mail.messages SET state = 'skipped', locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'pending'",
    [id, lockId],
  );
}

export async function isDeliveryConfirmed(db: Database, id: string): Promise<boolean> {
  return (await db.query("SELECT FROM mail.messages WHERE id = $1 AND confirmed_at IS NOT NULL", [id])).length === 1;
}

export async function recordDeliveryConfirmed(db: Database, id: string): Promise<void> {
  await db.query("UPDATE mail.messages SET confirmed_at = coalesce(confirmed_at, clock_timestamp()) WHERE id = $1", [
    id,
  ]);
}
