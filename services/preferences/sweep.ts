import type { Call } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { sweepServiceTables } from "../../mixins/service-sweep.ts";
import { claim, deleteUnconfirmed, listUnconfirmed } from "./preferences.repo.ts";

const BATCH = 1_000;

/** An account is made within ten minutes of its id or never, so what has none after a day is nobody's. */
export async function sweepPreferences(db: Database, call: Call): Promise<Record<string, number>> {
  const swept = await sweepServiceTables(db);
  for (let orphans = 0; ; ) {
    const ids = await listUnconfirmed(db, BATCH);
    if (ids.length === 0) return { ...swept, orphans };
    const known = new Set((await call("users.validate", { ids })).map((user) => user.id));
    await claim(db, [...known]);
    const nobodys = ids.filter((id) => !known.has(id));
    await deleteUnconfirmed(db, nobodys);
    orphans += nobodys.length;
  }
}
