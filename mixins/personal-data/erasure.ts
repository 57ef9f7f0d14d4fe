import type { Transaction, TransactionSource } from "../database/database.mixin.ts";

/** Deletes the service's own rows of the user. Resolves to their number by table. */
export type OwnErasure = (tx: Transaction) => Promise<Record<string, number>>;

/**
 * Erases a user in one transaction: the service's rows, its events and jobs about the user, and the results stored under
 * their idempotency keys. The keys stay, and a request that repeats one is answered with 410. May be repeated.
 */
export async function eraseUser<T extends Transaction>(
  db: TransactionSource<T>,
  userId: string,
  own: (tx: T) => Promise<Record<string, number>>,
): Promise<Record<string, number>> {
  return db.transaction((tx) => eraseIn(tx, db.schema, userId, () => own(tx)));
}

/** The same in a transaction of the caller. `mark` keeps later rows about the user out. */
export async function eraseIn(
  tx: Transaction,
  schema: string,
  userId: string,
  own: OwnErasure,
  mark: (tx: Transaction) => Promise<unknown> = (on) =>
    on.query(`INSERT INTO ${schema}.erased (user_id) VALUES ($1) ON CONFLICT DO NOTHING`, [userId]),
): Promise<Record<string, number>> {
  await tx.query("SET LOCAL statement_timeout = '25s'");
  await tx.query(`SELECT pg_advisory_xact_lock(${schema}.erasure_lock($1))`, [userId]);
  await mark(tx);
  const rows = await own(tx);
  const outbox = await deleteOf(
    tx,
    `DELETE FROM ${schema}.outbox WHERE user_id = $1 AND body ->> 'event_type' IS DISTINCT FROM 'user.erased'`,
    userId,
  );
  const answers = await deleteOf(
    tx,
    `UPDATE ${schema}.idempotency SET answer = NULL WHERE user_id = $1 AND answer IS NOT NULL`,
    userId,
  );
  return { ...rows, outbox, answers };
}

/** Runs a DELETE or UPDATE in which `$1` is the user. Resolves to the number of rows. */
export async function deleteOf(
  tx: Transaction,
  statement: string,
  userId: string,
  ...more: readonly unknown[]
): Promise<number> {
  const sql = `WITH gone AS (${statement} RETURNING 1) SELECT count(*)::int AS n FROM gone`;
  const [row] = await tx.query<{ n: number }>(sql, [userId, ...more]);
  return row?.n ?? 0;
}
