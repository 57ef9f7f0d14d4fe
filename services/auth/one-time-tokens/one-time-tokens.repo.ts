import type { MailedTokenPurpose } from "../../../lib/crypto/mailed-token.ts";
import type { Database, Transaction } from "../../../mixins/database.mixin.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";

type Queryable = Pick<Database, "query">;

interface NewOneTimeToken {
  readonly id: string;
  readonly purpose: MailedTokenPurpose;
  readonly user_id: string;
  readonly tenant_id: string;
  readonly email_key_hash: string;
  readonly epoch: number | null;
  readonly kid: string;
  readonly event_id: string;
}

export interface OneTimeToken extends NewOneTimeToken {
  readonly spent: boolean;
  /** Its time is over. */
  readonly outdated: boolean;
  /** Older than any mailed link may be, sent or not. */
  readonly stale: boolean;
  /** There is a newer one of its purpose and account. */
  readonly superseded: boolean;
}

/**
 * From the moment it was sent, but never beyond 24 h after the request. As long as nobody has recorded that it was sent,
 * from the moment it was last handed out for sending: the mail is there before its record is.
 */
const END = `least(requested_at + interval '24 hours',
  coalesce(first_sent_at, derived_at, requested_at) + CASE purpose WHEN 'reset_password' THEN interval '1 hour' ELSE interval '24 hours' END)`;

const NEWER = `EXISTS (SELECT 1 FROM auth.one_time_tokens n
  WHERE n.user_id = t.user_id AND n.purpose = t.purpose AND n.seq > t.seq)`;

export async function insertOneTimeToken(tx: Queryable, oneTimeToken: NewOneTimeToken): Promise<void> {
  const sql = `INSERT INTO auth.one_time_tokens (id, purpose, user_id, tenant_id, email_key_hash, epoch, kid, event_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`;
  const { id, purpose, user_id, tenant_id, email_key_hash, epoch, kid, event_id } = oneTimeToken;
  await tx.query(sql, [id, purpose, user_id, tenant_id, email_key_hash, epoch, kid, event_id]);
}

export async function findOneTimeToken(db: Queryable, id: string): Promise<OneTimeToken | null> {
  const sql = `SELECT id, purpose, user_id, tenant_id, email_key_hash, epoch, kid, event_id, spent_at IS NOT NULL AS spent,
      clock_timestamp() > ${END} AS outdated, clock_timestamp() > requested_at + interval '24 hours' AS stale, ${NEWER} AS superseded
    FROM auth.one_time_tokens t WHERE id = $1`;
  const rows = await db.query<OneTimeToken>(sql, [id]);
  return rows[0] ?? null;
}

/** Unspent ones of the last hour: how many mails of this kind the account was asked to take and has made no use of. */
export async function countUnused(db: Queryable, userId: string, purpose: MailedTokenPurpose): Promise<number> {
  const sql = `SELECT count(*)::int AS n FROM auth.one_time_tokens
    WHERE user_id = $1 AND purpose = $2 AND spent_at IS NULL AND requested_at > clock_timestamp() - interval '1 hour'`;
  const [row] = await db.query<{ n: number }>(sql, [userId, purpose]);
  return row?.n ?? 0;
}

export async function recordDerived(db: Queryable, id: string): Promise<void> {
  await db.query("UPDATE auth.one_time_tokens SET derived_at = clock_timestamp() WHERE id = $1", [id]);
}

export async function recordSent(db: Queryable, id: string): Promise<void> {
  await db.query(
    "UPDATE auth.one_time_tokens SET first_sent_at = clock_timestamp() WHERE id = $1 AND first_sent_at IS NULL",
    [id],
  );
}

/** A statement of its own: what is read after it sees what the one before us did. */
export async function lockOneTimeTokens(tx: Transaction, userId: string): Promise<void> {
  await tx.query("SELECT 1 FROM auth.one_time_tokens WHERE user_id = $1 AND spent_at IS NULL ORDER BY seq FOR UPDATE", [
    userId,
  ]);
}

/** Of n at once one gets true, and none for one that is outdated or has a newer one beside it. */
export async function spendOneTimeToken(tx: Transaction, id: string): Promise<boolean> {
  const sql = `UPDATE auth.one_time_tokens t SET spent_at = clock_timestamp()
    WHERE id = $1 AND spent_at IS NULL AND clock_timestamp() <= ${END} AND NOT ${NEWER} RETURNING id`;
  return (await tx.query(sql, [id])).length === 1;
}

/** For what has committed elsewhere: of n at once one gets true. */
export async function markSpent(tx: Transaction, id: string): Promise<boolean> {
  return (
    (
      await tx.query(
        "UPDATE auth.one_time_tokens SET spent_at = clock_timestamp() WHERE id = $1 AND spent_at IS NULL RETURNING id",
        [id],
      )
    ).length === 1
  );
}

export async function revokeOneTimeTokens(
  tx: Transaction,
  userId: string,
  purposes: readonly MailedTokenPurpose[],
): Promise<void> {
  const sql = `UPDATE auth.one_time_tokens SET spent_at = clock_timestamp()
    WHERE user_id = $1 AND purpose = ANY($2::text[]) AND spent_at IS NULL`;
  await tx.query(sql, [userId, purposes]);
}

export function deleteOldOneTimeTokens(db: Database): Promise<number> {
  return deleteInBatches(db, "auth.one_time_tokens", "requested_at < now() - interval '7 days'");
}
