import type { Database } from "../../mixins/database/database.mixin.ts";
import { deleteInBatches, sweepServiceTables } from "../../mixins/service-sweep.ts";
import type { SessionsDeps } from "./sessions.deps.ts";

/** Rows of the revocation log deleted per transaction. Small, because the transaction locks the log. */
const LOG_BATCH = 1_000;

/** Deletes obsolete rows in short statements, so that it can run beside everything else. */
export async function sweep({ platform, db }: Pick<SessionsDeps, "platform" | "db">): Promise<Record<string, number>> {
  return {
    sessions: await deleteInBatches(db, "sessions.sessions", "sweep_on <= (now() AT TIME ZONE 'UTC')::date"),
    // No revocation waits for a lease that expired an hour ago.
    leases: await deleteInBatches(db, "sessions.leases", "until < now() - interval '1 hour'"),
    // An entry is needed as long as an access token signed before it can be valid. The additional 5 minutes allow for clocks
    // that differ and for slow signing.
    revocation_log: await sweepRevocationLog(db, platform.config.auth.accessTokenSeconds + 300),
    ...(await sweepServiceTables(db)),
  };
}

async function sweepRevocationLog(db: Database, keepSeconds: number): Promise<number> {
  for (let total = 0; ; ) {
    const sql = "SELECT sessions.sweep_revocation_log($1, $2) AS deleted";
    const [row] = await db.query<{ deleted: number }>(sql, [keepSeconds, LOG_BATCH]);
    const deleted = row?.deleted ?? 0;
    total += deleted;
    if (deleted < LOG_BATCH) return total;
  }
}
