import type { MeshEvent } from "../../../lib/events/events.ts";
import type { Clock, Random } from "../../../lib/runtime/clock.ts";
import { newId } from "../../../lib/runtime/ids.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { eraseIn } from "../../../mixins/personal-data/erasure.ts";
import { insertActivity, markErased, pseudonymise } from "./activity.repo.ts";

interface EraseDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Replaces the user's id with a random one. The entries stay in the log. The database refuses this unless the users service
 * has ordered the erasure.
 */
export function eraseActivity({ db, clock, random }: EraseDeps, userId: string): Promise<Record<string, number>> {
  const pseudonym = newId(clock, random);
  return db.transaction((tx) =>
    eraseIn(
      tx,
      db.schema,
      userId,
      () => pseudonymise(tx, userId, pseudonym),
      () => markErased(tx, userId),
    ),
  );
}

/** Adds an entry that does not name the user: it has the id under which the certificate of the erasure can be read. */
export async function eraseAndRecord(deps: EraseDeps, event: MeshEvent): Promise<void> {
  await eraseActivity(deps, event.user_id);
  await insertActivity(deps.db, {
    id: event.event_id,
    tenant_id: event.tenant_id,
    action: event.event_type,
    actor_id: null,
    actor: null,
    user_id: null,
    at: event.timestamp,
    ip: null,
    correlation_id: event.correlation_id,
    details: { erasure_id: event.erasure_id ?? null },
  });
}
