import type { Database } from "../../mixins/database.mixin.ts";
import { deleteInBatches } from "../../mixins/service-sweep.ts";

export const deleteOldSessions = (db: Database): Promise<number> =>
  deleteInBatches(db, "sessions.sessions", "sweep_on <= (now() AT TIME ZONE 'UTC')::date");

/** No revocation, however slow, still reads it. */
export const deleteOldLeases = (db: Database): Promise<number> =>
  deleteInBatches(db, "sessions.leases", "until < now() - interval '1 hour'");

/** One batch from the old end, under the revocation log's lock; says how many rows that were. */
export async function deleteOldRevocations(db: Database, keepSeconds: number, batch: number): Promise<number> {
  const [row] = await db.query<{ deleted: number }>("SELECT sessions.sweep_revocation_log($1, $2) AS deleted", [
    keepSeconds,
    batch,
  ]);
  return row?.deleted ?? 0;
}
