import type { Database, Transaction } from "../../../mixins/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";

export interface EmailChange {
  readonly token_id: string;
  readonly user_id: string;
  readonly old_email: string;
  readonly new_email: string;
  readonly new_email_key: string;
  readonly state: "pending" | "applied" | "refused" | "ended";
  /** The account's at the wish. */
  readonly epoch: number;
}

/** A newer wish ends the older ones: only the latest link works. */
export async function cancelPendingChanges(tx: Transaction, userId: string): Promise<void> {
  await tx.query("UPDATE users.email_changes SET state = 'ended' WHERE user_id = $1 AND state = 'pending'", [userId]);
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

export async function insertEmailChange(tx: Transaction, change: Omit<EmailChange, "state">): Promise<void> {
  await tx.query(
    "INSERT INTO users.email_changes (token_id, user_id, old_email, new_email, new_email_key, epoch) VALUES ($1, $2, $3, $4, $5, $6)",
    [change.token_id, change.user_id, change.old_email, change.new_email, change.new_email_key, change.epoch],
  );
}

export async function findEmailChange(tx: Transaction, tokenId: string): Promise<EmailChange | undefined> {
  const [row] = await tx.query<EmailChange>(
    "SELECT token_id, user_id, old_email, new_email, new_email_key, state, epoch FROM users.email_changes WHERE token_id = $1",
    [tokenId],
  );
  return row;
}

/** False where another account has the address by now; nothing is changed then. */
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
  await tx.query("UPDATE users.email_changes SET state = $2 WHERE token_id = $1", [tokenId, state]);
}

export async function clearPendingEmail(tx: InvalidatingTransaction, userId: string): Promise<void> {
  await tx.query("UPDATE users.users SET pending_email = NULL, updated_at = clock_timestamp() WHERE id = $1", [userId]);
}

/** How many the account has asked for in the last hour: a session must not be a way to fill strangers' mailboxes. */
export async function countRecentChanges(tx: Transaction, userId: string): Promise<number> {
  const [row] = await tx.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM users.email_changes
     WHERE user_id = $1 AND requested_at > clock_timestamp() - interval '1 hour'`,
    [userId],
  );
  return row?.n ?? 0;
}

type Announced = Pick<EmailChange, "token_id" | "user_id" | "old_email" | "new_email" | "state" | "epoch"> & {
  readonly tenant_id: string;
  readonly name: string | null;
  readonly is_active: boolean;
};

export async function readEmailChange(db: Database, tokenId: string): Promise<Announced | undefined> {
  const [row] = await db.query<Announced>(
    `SELECT c.token_id, c.user_id, c.old_email, c.new_email, c.state, c.epoch, u.tenant_id, u.full_name AS name, u.is_active
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

/** A link lives 24 hours from its sending, and is sent within 24 hours or not at all. */
export function listOutdatedChanges(
  db: Database,
  limit: number,
): Promise<Array<Pick<EmailChange, "user_id"> & { readonly requested_at: Date }>> {
  return db.query(
    `SELECT user_id, requested_at FROM users.email_changes
     WHERE requested_at < now() - interval '48 hours' AND state = 'pending' ORDER BY requested_at LIMIT $1`,
    [limit],
  );
}

/** Not before the old address was told of all that it should be; but a mail that no server takes keeps nothing for ever. */
export async function dropClosedChanges(db: Database): Promise<number> {
  const rows = await db.query(
    `DELETE FROM users.email_changes WHERE state <> 'pending' AND requested_at < now() - interval '48 hours'
       AND (requested_at < now() - interval '35 days' OR CASE state WHEN 'applied' THEN 'email_changed'
         ELSE 'email_change_requested' END = ANY(mails_sent))
     RETURNING token_id`,
  );
  return rows.length;
}
