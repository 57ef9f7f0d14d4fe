import type { Call } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import { deleteUnconfirmed, listUnconfirmed, markConfirmed } from "./preferences.repo.ts";

const BATCH = 1_000;

/**
 * A row whose account does not exist a day after the row was last sent is an orphan: no registration and no import takes
 * that long.
 */
export async function sweepPreferences(db: Database, call: Call): Promise<Record<string, number>> {
  const swept = await sweepServiceTables(db);
  for (let orphans = 0; ; ) {
    const ids = await listUnconfirmed(db, BATCH);
    if (ids.length === 0) return { ...swept, orphans };
    const existing = new Set((await call("users.validate", { ids })).map((user) => user.id));
    await markConfirmed(db, [...existing]);
    const orphaned = ids.filter((id) => !existing.has(id));
    await deleteUnconfirmed(db, orphaned);
    orphans += orphaned.length;
  }
}
