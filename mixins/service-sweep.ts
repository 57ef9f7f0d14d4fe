import type { Database } from "./database.mixin.ts";

const BATCH = 5_000;

export const INBOX_DAYS = 35;

/**
 * Deletes what the mesh tables of a schema need no longer: relayed rows after 7 days (until then they can be replayed),
 * kept answers after 24 hours, and the inbox when what it remembers is history (see `isExpiredEvent`).
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
 * Small statements: none may hold its locks for long, or meet statement_timeout. Times in `condition` are `now()`: what
 * `clock_timestamp()` says may be another time for each row, so no index serves it, and each sweep would read all there is.
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
