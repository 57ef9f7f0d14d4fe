import type { Database } from "../../mixins/database.mixin.ts";
import type { MailJob } from "./mail.contract.ts";

/** A claim not renewed for so long is that of a node that died. */
export const LOCK_SECONDS = 10;

export interface Message {
  readonly state: "sending" | "sent" | "skipped";
  readonly confirmed: boolean;
}

/** True for the one who may send it now: the first to come, or the first after a claim has run out. */
export async function lockMessage(db: Database, job: MailJob, lockId: string): Promise<boolean> {
  const rows = await db.query(
    `INSERT INTO mail.messages AS m (id, kind, user_id, tenant_id, state, locked_by, locked_until)
     VALUES ($1, $2, $3, $4, 'sending', $5, clock_timestamp() + make_interval(secs => ${LOCK_SECONDS}))
     ON CONFLICT (id) DO UPDATE SET locked_by = excluded.locked_by, locked_until = excluded.locked_until
       WHERE m.state = 'sending' AND (m.locked_until IS NULL OR m.locked_until < clock_timestamp())
     RETURNING id`,
    [job.id, job.kind, job.user_id, job.tenant_id, lockId],
  );
  return rows.length === 1;
}

export async function findMessage(db: Database, id: string): Promise<Message | undefined> {
  const rows = await db.query<Message>(
    "SELECT state, confirmed_at IS NOT NULL AS confirmed FROM mail.messages WHERE id = $1",
    [id],
  );
  return rows[0];
}

export async function renewLock(db: Database, id: string, lockId: string): Promise<void> {
  await db.query(
    `UPDATE mail.messages SET locked_until = clock_timestamp() + make_interval(secs => ${LOCK_SECONDS})
     WHERE id = $1 AND locked_by = $2 AND state = 'sending'`,
    [id, lockId],
  );
}

/** It was not sent: whoever comes next may try at once. */
export async function releaseLock(db: Database, id: string, lockId: string): Promise<void> {
  await db.query(
    "UPDATE mail.messages SET locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'sending'",
    [id, lockId],
  );
}

/** Whoever holds the claim by now: the server has taken it, and nobody shall send it again. */
export async function recordSent(db: Database, id: string): Promise<void> {
  await db.query(
    "UPDATE mail.messages SET state = 'sent', sent_at = coalesce(sent_at, clock_timestamp()), locked_by = NULL, locked_until = NULL WHERE id = $1",
    [id],
  );
}

export async function recordSkipped(db: Database, id: string, lockId: string): Promise<void> {
  await db.query(
    "UPDATE mail.messages SET state = 'skipped', locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2",
    [id, lockId],
  );
}

export async function recordConfirmed(db: Database, id: string): Promise<void> {
  await db.query("UPDATE mail.messages SET confirmed_at = coalesce(confirmed_at, clock_timestamp()) WHERE id = $1", [
    id,
  ]);
}
