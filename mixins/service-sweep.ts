import type { Database } from "./database/database.mixin.ts";

const BATCH = 5_000;

export const INBOX_DAYS = 35;

/**
 * Deletes old rows of a schema's service tables: published outbox rows after 7 days (until then they can be replayed),
 * stored results after 24 hours, and inbox rows when their events have expired (see `isExpiredEvent`).
 */
export async function sweepServiceTables(db: Database): Promise<Record<string, number>> {
  const old = (table: string, column: string, age: string) =>
    deleteInBatches(db, `${db.schema}.${table}`, `${column} < now() - interval '${age}'`);
  return {
    outbox: await old("outbox", "published_at", "7 days"),
    idempotency: await old("idempotency", "created_at", "24 hours"),
    inbox: await old("inbox", "at", `${INBOX_DAYS} days`),
  };
}

/**
 * Small statements, so that none holds its locks for long or reaches statement_timeout. Use `now()` in `condition`, not
 * `clock_timestamp()`: that one may differ per row, so PostgreSQL would not use an index and each sweep would read the
 * whole table.
 */
export async function deleteInBatches(db: Database, table: string, condition: string): Promise<number> {
  const sql = `WITH gone AS (
      DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${BATCH})) RETURNING 1
    ) SELECT count(*)::int AS count FROM gone`;
  for (let total = 0; ; ) {
    const [row] = await db.query<{ count: number }>(sql);
    const count = row?.count ?? 0;
    total += count;
    if (count < BATCH) return total;
  }
}
