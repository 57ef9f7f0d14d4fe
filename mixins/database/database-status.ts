import type { Clock } from "../../lib/runtime/clock.ts";
import type { Database } from "./database.mixin.ts";

/**
 * For health checks and operators: whether a service reaches its schema and may write to it, how fast, and which migrations
 * were applied. After a failover to a standby, reads work and writes don't.
 */
export async function databaseStatus(db: Database, clock: Clock) {
  const { total, idle, waiting } = db.status();
  const pool = { total, idle, waiting };
  const startedAt = clock.monotonic();
  try {
    const rows = await db.query<{ name: string; writable: boolean }>(
      `SELECT name, current_setting('transaction_read_only') = 'off' AS writable FROM ${db.schema}.migrations ORDER BY id`,
    );
    const latency_ms = Math.round((clock.monotonic() - startedAt) * 100) / 100;
    const isUp = rows.every(({ writable }) => writable);
    return { up: isUp, latency_ms, pool, migrations: rows.map((row) => row.name) };
  } catch {
    return { up: false, latency_ms: null, pool, migrations: [] };
  }
}
