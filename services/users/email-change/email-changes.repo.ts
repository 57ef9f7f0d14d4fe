import type { RowOf } from "../../../lib/database/entity.ts";
import type { Database, Transaction } from "../../../mixins/database/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { EmailChanges } from "../users.entities.ts";

export type EmailChange = RowOf<typeof EmailChanges>;

/** Called before a newer request is recorded: only the latest link is valid. */
export async function cancelPendingChanges(tx: Transaction, userId: string): Promise<void> {
  await tx.repository(EmailChanges).update({ user_id: userId, state: "pending" }, { state: "ended" });
}

export async function endChangesBefore(tx: InvalidatingTransaction, userId: string, time: string): Promise<number> {
  tx.assertInvalidated(userId);
  const [row] = await tx.query<{ ended: number }>(
    `WITH ended AS (
       UPDATE users.email_changes SET state = 'ended'
       WHERE user_id = $1 AND state = 'pending' AND requested_at <= $2::timestamptz RETURNING 1),
     cleared AS (UPDATE users.users SET pending_email = NULL WHERE id = $1 AND EXISTS (SELECT FROM ended))
     SELECT count(*)::int AS ended FROM ended`,
    [userId, time],
  );
  return row?.ended ?? 0;
}

type NewEmailChange = Omit<EmailChange, "state" | "requested_at" | "mails_sent">;

export async function insertEmailChange(tx: Transaction, change: NewEmailChange): Promise<void> {
  await tx.repository(EmailChanges).insert(change);
}

export function findEmailChange(tx: Transaction, tokenId: string): Promise<EmailChange | null> {
  return tx.repository(EmailChanges).findOneBy({ token_id: tokenId });
}

/** Changes nothing and returns false if another account has taken the address meanwhile. */
export async function applyEmail(
  tx: InvalidatingTransaction,
  change: EmailChange,
  searchText: string,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE users.users AS u SET email = $2, email_key = $3, is_verified = true, pending_email = NULL, search_text = $4,
       updated_at = clock_timestamp()
     WHERE u.id = $1 AND NOT EXISTS (
       SELECT FROM users.users o WHERE o.tenant_id = u.tenant_id AND o.email_key = $3 AND o.id <> u.id)
     RETURNING id`,
    [change.user_id, change.new_email, change.new_email_key, searchText],
  );
  return rows.length === 1;
}

export async function closeEmailChange(tx: Transaction, tokenId: string, state: "applied" | "refused"): Promise<void> {
  await tx.repository(EmailChanges).update({ token_id: tokenId }, { state });
}

/** Requests of the last hour, limited so that a session can't be used to flood strangers' mailboxes. */
export async function countRecentChanges(tx: Transaction, userId: string): Promise<number> {
  const [row] = await tx.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM users.email_changes
     WHERE user_id = $1 AND requested_at > clock_timestamp() - interval '1 hour'`,
    [userId],
  );
  return row?.n ?? 0;
}

type EmailChangeView = Pick<EmailChange, "token_id" | "user_id" | "old_email" | "new_email" | "state" | "epoch"> & {
  readonly tenant_id: string;
  readonly is_active: boolean;
};

export async function readEmailChange(db: Database, tokenId: string): Promise<EmailChangeView | undefined> {
  const [row] = await db.query<EmailChangeView>(
    `SELECT c.token_id, c.user_id, c.old_email, c.new_email, c.state, c.epoch, u.tenant_id, u.is_active
     FROM users.email_changes c JOIN users.users u ON u.id = c.user_id WHERE c.token_id = $1 AND u.deleted_at IS NULL`,
    [tokenId],
  );
  return row;
}

export async function recordMail(db: Database, tokenId: string, kind: string): Promise<void> {
  await db.query(
    `UPDATE users.email_changes SET mails_sent = array_append(mails_sent, $2::text)
     WHERE token_id = $1 AND NOT $2::text = ANY(mails_sent)`,
    [tokenId, kind],
  );
}

/** No link of these is valid any more: a link is sent within 24 hours or not at all, and is then valid for 24 hours. */
export function listOutdatedChanges(
  db: Database,
  limit: number,
): Promise<Array<Pick<EmailChange, "user_id" | "requested_at">>> {
  return db.query(
    `SELECT user_id, requested_at FROM users.email_changes
     WHERE requested_at < now() - interval '48 hours' AND state = 'pending' ORDER BY requested_at LIMIT $1`,
    [limit],
  );
}

/**
 * A closed change is kept until the old address has received its notice, but for at most 35 days: mail can be
 * undeliverable.
 */
export async function dropClosedChanges(db: Database): Promise<number> {
  const rows = await db.query(
    `DELETE FROM users.email_changes WHERE state <> 'pending' AND requested_at < now() - interval '48 hours'
       AND (requested_at < now() - interval '35 days' OR CASE state WHEN 'applied' THEN 'email_changed'
         ELSE 'email_change_requested' END = ANY(mails_sent))
     RETURNING token_id`,
  );
  return rows.length;
}
