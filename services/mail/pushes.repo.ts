import type { Database, Transaction } from "../../mixins/database.mixin.ts";
import { LOCK_SECONDS } from "./mail.repo.ts";

export interface Push {
  readonly id: string;
  readonly user_id: string;
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
}

export type SkipReason = "no_account" | "inactive" | "not_wanted" | "no_token" | "token_gone";

/** False where the id is there already, or its user was erased. */
export async function insertPush(tx: Transaction, push: Push): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO mail.pushes (id, user_id, title, body, data) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [push.id, push.user_id, push.title, push.body, JSON.stringify(push.data)],
  );
  return rows.length === 1;
}

/** For the one who may send it now: the first to come, or the first after a claim has run out. */
export async function lockPush(db: Database, id: string, lockId: string): Promise<Push | undefined> {
  const rows = await db.query<Push>(
    `UPDATE mail.pushes SET locked_by = $2, locked_until = clock_timestamp() + make_interval(secs => ${LOCK_SECONDS})
     WHERE id = $1 AND state = 'waiting' AND (locked_until IS NULL OR locked_until < clock_timestamp())
     RETURNING id, user_id, title, body, data`,
    [id, lockId],
  );
  return rows[0];
}

export async function findPushState(db: Database, id: string): Promise<"waiting" | "sent" | "skipped" | undefined> {
  const rows = await db.query<{ state: "waiting" | "sent" | "skipped" }>(
    "SELECT state FROM mail.pushes WHERE id = $1",
    [id],
  );
  return rows[0]?.state;
}

export async function renewPushLock(db: Database, id: string, lockId: string): Promise<void> {
  await db.query(
    `UPDATE mail.pushes SET locked_until = clock_timestamp() + make_interval(secs => ${LOCK_SECONDS})
     WHERE id = $1 AND locked_by = $2 AND state = 'waiting'`,
    [id, lockId],
  );
}

/** It was not sent: whoever comes next may try at once. */
export async function releasePushLock(db: Database, id: string, lockId: string): Promise<void> {
  await db.query(
    "UPDATE mail.pushes SET locked_by = NULL, locked_until = NULL WHERE id = $1 AND locked_by = $2 AND state = 'waiting'",
    [id, lockId],
  );
}

/** What is done needs no text any more: the row stays as a guard against sending it again. */
const textGone = "title = NULL, body = NULL, data = NULL, locked_by = NULL, locked_until = NULL";

/** Whoever holds the claim by now: the push service has taken it. */
export async function recordPushSent(db: Database, id: string): Promise<void> {
  await db.query(
    `UPDATE mail.pushes SET state = 'sent', sent_at = coalesce(sent_at, clock_timestamp()), ${textGone} WHERE id = $1`,
    [id],
  );
}

export async function recordPushSkipped(db: Database, id: string, lockId: string, reason: SkipReason): Promise<void> {
  await db.query(
    `UPDATE mail.pushes SET state = 'skipped', reason = $3, ${textGone} WHERE id = $1 AND locked_by = $2 AND state = 'waiting'`,
    [id, lockId, reason],
  );
}
