import type { MeshEvent } from "../../lib/events/events.ts";
import type { Clock, Random } from "../../lib/runtime/clock.ts";
import { newId } from "../../lib/runtime/ids.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { eraseUser } from "../../mixins/erasure.ts";
import { insertActivity } from "./activity.repo.ts";
import { pseudonymise } from "./erase.repo.ts";

interface EraseDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

/** Pseudonymises the person; the acts stay in the log. */
export function eraseActivity({ db, clock, random }: EraseDeps, userId: string): Promise<Record<string, number>> {
  const pseudonym = newId(clock, random);
  return eraseUser(db, userId, (tx) => pseudonymise(tx, userId, pseudonym));
}

/** That somebody was erased is an act too, and its certificate has a number. */
export async function recordErasure(deps: EraseDeps, event: MeshEvent): Promise<void> {
  await eraseActivity(deps, event.user_id);
  await insertActivity(deps.db, {
    id: event.event_id,
    tenant_id: event.tenant_id,
    action: event.event_type,
    actor_id: null,
    user_id: null,
    at: event.timestamp,
    ip: null,
    correlation_id: event.correlation_id,
    details: { erasure_id: event.erasure_id ?? null },
  });
}
