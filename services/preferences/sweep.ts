import type { Call } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import { confirm, deleteUnconfirmed, listUnconfirmed } from "./preferences.repo.ts";

const BATCH = 1_000;

/** An account is created within ten minutes of its id or never, so rows without one after a day are orphans. */
export async function sweepPreferences(db: Database, call: Call): Promise<Record<string, number>> {
  const swept = await sweepServiceTables(db);
  for (let orphans = 0; ; ) {
    const ids = await listUnconfirmed(db, BATCH);
    if (ids.length === 0) return { ...swept, orphans };
    const existing = new Set((await call("users.validate", { ids })).map((user) => user.id));
    await confirm(db, [...existing]);
    const orphaned = ids.filter((id) => !existing.has(id));
    await deleteUnconfirmed(db, orphaned);
    orphans += orphaned.length;
  }
}
