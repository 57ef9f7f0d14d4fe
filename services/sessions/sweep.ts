import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import type { SessionsDeps } from "./sessions.deps.ts";
import { deleteOldFeed, deleteOldLeases, deleteOldSessions } from "./sweep.repo.ts";

/** Rows of the feed that are deleted under one lock. */
const FEED_BATCH = 1_000;

/** Takes away what nobody needs any more, in short statements, so that it may run beside everything else. */
export async function sweep({ platform, db }: Pick<SessionsDeps, "platform" | "db">): Promise<Record<string, number>> {
  return {
    sessions: await deleteOldSessions(db),
    leases: await deleteOldLeases(db),
    // An entry is of use as long as an access token from before it may live; 5 min for clocks and late signers.
    feed: await sweepFeed((batch) => deleteOldFeed(db, platform.config.auth.accessTokenSeconds + 300, batch)),
    ...(await sweepServiceTables(db)),
  };
}

async function sweepFeed(deleteBatch: (batch: number) => Promise<number>): Promise<number> {
  for (let total = 0; ; ) {
    const deleted = await deleteBatch(FEED_BATCH);
    total += deleted;
    if (deleted < FEED_BATCH) return total;
  }
}
