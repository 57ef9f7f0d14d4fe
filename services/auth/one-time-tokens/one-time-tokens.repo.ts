import { MAILED_TOKEN_LIFETIME_HOURS, type MailedTokenPurpose } from "../../../lib/contracts/mailed-token.contract.ts";
import { columnsOf, type RowOf } from "../../../lib/database/entity.ts";
import type { Database, Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";
import { OneTimeTokens } from "../auth.entities.ts";

const FIELDS = ["id", "purpose", "user_id", "tenant_id", "email_key_hash", "epoch", "kid", "event_id"] as const;

interface NewOneTimeToken extends Pick<RowOf<typeof OneTimeTokens>, (typeof FIELDS)[number]> {
  readonly user_id: string;
}

export interface OneTimeToken extends NewOneTimeToken {
  readonly spent: boolean;
  /** A newer token of the same purpose and account exists. */
  readonly superseded: boolean;
  /** The link's lifetime is over. */
  readonly expired: boolean;
  /** Requested so long ago that it is not worth mailing any more, whether it was sent or not. */
  readonly too_old_to_mail: boolean;
}

const LIFETIME = `CASE purpose ${Object.entries(MAILED_TOKEN_LIFETIME_HOURS)
  .map(([purpose, hours]) => `WHEN '${purpose}' THEN interval '${hours} hours'`)
  .join(" ")} END`;

const MAX_EXPIRY = "requested_at + interval '24 hours'";

/**
 * The lifetime runs from the first time the mail was sent. Until that is recorded, it runs from the last derivation, because
 * the user may open the link before.
 */
const EXPIRY = `least(${MAX_EXPIRY}, coalesce(first_sent_at, derived_at, requested_at) + ${LIFETIME})`;

const SUPERSEDED = `EXISTS (SELECT 1 FROM auth.one_time_tokens n
  WHERE n.user_id = t.user_id AND n.purpose = t.purpose AND n.seq > t.seq)`;

export async function insertOneTimeToken(tx: Queryable, oneTimeToken: NewOneTimeToken): Promise<void> {
  await tx.repository(OneTimeTokens).insert(oneTimeToken);
}

export async function findOneTimeToken(db: Queryable, id: string): Promise<OneTimeToken | null> {
  const sql = `SELECT ${columnsOf(OneTimeTokens, "t", FIELDS)}, spent_at IS NOT NULL AS spent,
      clock_timestamp() > ${EXPIRY} AS expired, clock_timestamp() > ${MAX_EXPIRY} AS too_old_to_mail, ${SUPERSEDED} AS superseded
    FROM auth.one_time_tokens t WHERE id = $1`;
  const [row] = await db.query<OneTimeToken>(sql, [id]);
  return row ?? null;
}

/** Unspent tokens that were requested in the last hour. */
export async function countUnspent(db: Queryable, userId: string, purpose: MailedTokenPurpose): Promise<number> {
  const sql = `SELECT count(*)::int AS n FROM auth.one_time_tokens
    WHERE user_id = $1 AND purpose = $2 AND spent_at IS NULL AND requested_at > clock_timestamp() - interval '1 hour'`;
  const [row] = await db.query<{ n: number }>(sql, [userId, purpose]);
  return row?.n ?? 0;
}

export async function recordDerived(db: Queryable, id: string): Promise<void> {
  await db.repository(OneTimeTokens).update({ id }, { derived_at: () => "clock_timestamp()" });
}

export async function recordSent(db: Queryable, id: string): Promise<void> {
  const sql = `UPDATE auth.one_time_tokens SET first_sent_at = clock_timestamp() WHERE id = $1 AND first_sent_at IS NULL`;
  await db.query(sql, [id]);
}

/** A separate statement, so that the statements after it see what the previous holder of the lock committed. */
export async function lockOneTimeTokens(tx: Transaction, userId: string): Promise<void> {
  const sql = "SELECT 1 FROM auth.one_time_tokens WHERE user_id = $1 AND spent_at IS NULL ORDER BY seq FOR UPDATE";
  await tx.query(sql, [userId]);
}

/** Only one of several concurrent calls returns true. False for an expired or superseded token. */
export async function spendOneTimeToken(tx: Transaction, id: string): Promise<boolean> {
  const sql = `UPDATE auth.one_time_tokens t SET spent_at = clock_timestamp()
    WHERE id = $1 AND spent_at IS NULL AND clock_timestamp() <= ${EXPIRY} AND NOT ${SUPERSEDED} RETURNING id`;
  return (await tx.query(sql, [id])).length === 1;
}

/** For a change that another service has committed already, so expiry no longer matters. Only one of several concurrent calls returns true. */
export async function markSpent(tx: Transaction, id: string): Promise<boolean> {
  const sql = `UPDATE auth.one_time_tokens SET spent_at = clock_timestamp() WHERE id = $1 AND spent_at IS NULL RETURNING id`;
  return (await tx.query(sql, [id])).length === 1;
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
