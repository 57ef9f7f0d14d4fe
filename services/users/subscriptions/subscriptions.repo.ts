import type { Database, Transaction } from "../../../mixins/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";

export interface SubscriptionRow {
  readonly plan: string;
  readonly expires_at: Date | null;
}

/** Null where there is none, or it is over. */
export async function readSubscription(tx: Transaction, userId: string): Promise<SubscriptionRow | null> {
  const [row] = await tx.query<SubscriptionRow>(
    `SELECT plan, expires_at FROM users.subscriptions
     WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > clock_timestamp())`,
    [userId],
  );
  return row ?? null;
}

export async function writeSubscription(
  tx: InvalidatingTransaction,
  userId: string,
  next: SubscriptionRow,
): Promise<void> {
  await tx.query(
    `INSERT INTO users.subscriptions (user_id, plan, expires_at) VALUES ($1, $2, $3)
     ON CONFLICT (user_id) DO UPDATE SET plan = excluded.plan, expires_at = excluded.expires_at`,
    [userId, next.plan, next.expires_at],
  );
}

export async function deleteSubscription(tx: InvalidatingTransaction, userId: string): Promise<void> {
  await tx.query("DELETE FROM users.subscriptions WHERE user_id = $1", [userId]);
}

/** True for the one who finds it over: it is stated once, and not where it was renewed meanwhile. */
export async function deleteExpired(tx: InvalidatingTransaction, userId: string): Promise<boolean> {
  const rows = await tx.query(
    "DELETE FROM users.subscriptions WHERE user_id = $1 AND expires_at <= clock_timestamp() RETURNING user_id",
    [userId],
  );
  return rows.length === 1;
}

export async function listExpired(db: Database, limit: number): Promise<string[]> {
  const rows = await db.query<{ user_id: string }>(
    "SELECT user_id FROM users.subscriptions WHERE expires_at <= now() ORDER BY expires_at LIMIT $1",
    [limit],
  );
  return rows.map((row) => row.user_id);
}

/** The event that stated how it is now; null before the first change. */
export async function readSubscriptionEvent(tx: Transaction, userId: string): Promise<string | null> {
  const [row] = await tx.query<{ subscription_event_id: string | null }>(
    "SELECT subscription_event_id FROM users.users WHERE id = $1",
    [userId],
  );
  return row?.subscription_event_id ?? null;
}

export async function recordSubscriptionEvent(
  tx: InvalidatingTransaction,
  userId: string,
  eventId: string,
): Promise<void> {
  await tx.query("UPDATE users.users SET subscription_event_id = $2, updated_at = clock_timestamp() WHERE id = $1", [
    userId,
    eventId,
  ]);
}
