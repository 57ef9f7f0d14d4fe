import type { RowOf } from "../../../lib/database/entity.ts";
import type { Database, Transaction } from "../../../mixins/database/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { Subscriptions } from "../users.entities.ts";

export type SubscriptionRow = Pick<RowOf<typeof Subscriptions>, "plan" | "expires_at">;

/** Null if there is none, or if it has expired. */
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
  { plan, expires_at }: SubscriptionRow,
): Promise<void> {
  await tx.repository(Subscriptions).upsert({ user_id: userId, plan, expires_at }, ["user_id"]);
}

export async function deleteSubscription(tx: InvalidatingTransaction, userId: string): Promise<void> {
  await tx.repository(Subscriptions).delete({ user_id: userId });
}

/** True for the only call that deletes it, which then records the event. False if it was renewed meanwhile. */
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
