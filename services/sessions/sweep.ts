import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import type { SessionsDeps } from "./sessions.deps.ts";
import { deleteOldLeases, deleteOldRevocations, deleteOldSessions } from "./sweep.repo.ts";

/** Rows of the revocation log deleted per transaction, which holds its lock. */
const LOG_BATCH = 1_000;

/** Takes away what nobody needs any more, in short statements, so that it may run beside everything else. */
export async function sweep({ platform, db }: Pick<SessionsDeps, "platform" | "db">): Promise<Record<string, number>> {
  return {
    sessions: await deleteOldSessions(db),
    leases: await deleteOldLeases(db),
    // An entry is of use as long as an access token from before it may live; 5 min for clocks and late signers.
    revocation_log: await sweepRevocationLog((batch) =>
      deleteOldRevocations(db, platform.config.auth.accessTokenSeconds + 300, batch),
    ),
    ...(await sweepServiceTables(db)),
  };
}

async function sweepRevocationLog(deleteBatch: (batch: number) => Promise<number>): Promise<number> {
  for (let total = 0; ; ) {
    const deleted = await deleteBatch(LOG_BATCH);
    total += deleted;
    if (deleted < LOG_BATCH) return total;
  }
}
