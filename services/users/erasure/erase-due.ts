import type { Logger } from "pino";
import { type Actions, type Call, servicesWith } from "../../../lib/actions/typed-call.ts";
import type { EventLog } from "../../../lib/runtime/platform.ts";
import { eraseIn } from "../../../mixins/erasure.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockIncludingDeleted } from "../core/users.repo.ts";
import { dropAvatarsOf } from "../profile/change-avatar.ts";
import {
  beginErasure,
  completeErasure,
  countErasures,
  deleteAccount,
  type ErasureRow,
  hasAccount,
  keepReceipt,
  listDueErasures,
  listPurgesDue,
  lockErasure,
  planNextPurge,
  readErasure,
} from "./erasures.repo.ts";

export interface EraseDeps extends Pick<UsersDeps, "db" | "caches" | "outbox" | "avatars"> {
  readonly events: EventLog;
  readonly log: Logger;
}

type Turn = Actions["users.eraseDue"]["result"];

const BATCH = 10;

/** The other services that store personal data; users erases its own rows last. */
const others = servicesWith("erase");

/**
 * One turn of all erasures that are due. Every step can be done again, so a turn that was killed is gone on with by the
 * next one, and a service that is away is asked again until it has confirmed.
 */
export async function eraseDue(deps: EraseDeps, call: Call, correlationId: string): Promise<Turn> {
  const due = await listDueErasures(deps.db, BATCH);
  const outcomes = await Promise.all(
    due.map((userId) => tryOrDefer(deps, () => eraseOne(deps, call, userId, correlationId))),
  );
  const purged = await purgeStreams(deps);
  const { overdue } = await countErasures(deps.db);
  if (overdue > 0) deps.log.error({ overdue }, "erasures overdue");
  return { due: due.length, completed: outcomes.filter((one) => one).length, overdue, purged };
}

async function eraseOne(deps: EraseDeps, call: Call, userId: string, correlationId: string): Promise<boolean> {
  const erasure = await beginErasure(deps.db, userId);
  if (!erasure) return false;
  const missing = others.filter((name) => !(name in erasure.receipts));
  await Promise.all(missing.map((name) => tryOrDefer(deps, () => askFor(deps, call, name, erasure))));
  const { receipts } = (await readErasure(deps.db, userId)) ?? { receipts: {} };
  if (!others.every((name) => name in receipts)) return false;
  await dropAvatarsOf(deps, userId);
  return deps.caches.invalidating(call, userId).transaction((tx) => complete(deps, tx, userId, correlationId));
}

async function askFor({ db }: EraseDeps, call: Call, service: string, erasure: ErasureRow): Promise<boolean> {
  const action = `${service}.erase` as "auth.erase";
  const receipt = await call(action, { user_id: erasure.user_id, erasure_id: erasure.id });
  await keepReceipt(db, erasure.user_id, service, receipt);
  return true;
}

/** The account goes after everything else, and what says so is stated with it. */
async function complete(
  { db, outbox }: EraseDeps,
  tx: InvalidatingTransaction,
  userId: string,
  correlationId: string,
): Promise<boolean> {
  await lockIncludingDeleted(tx, userId);
  const erasure = await lockErasure(tx, userId);
  if (!erasure) return false;
  const receipt = await eraseIn(tx, db.schema, userId, () => deleteAccount(tx, userId));
  await completeErasure(tx, userId, receipt);
  const { id: erasure_id, tenant_id: tenantId } = erasure;
  await outbox.append(tx, { type: "user.erased", userId, tenantId, correlationId, data: { erasure_id } });
  return true;
}

/** Heard from a stream that is read again, after a restore: the account that came back goes again. */
export async function eraseRestored({ db, caches }: EraseDeps, call: Call, userId: string): Promise<void> {
  if (!(await hasAccount(db, userId))) return;
  await caches
    .invalidating(call, userId)
    .transaction((tx) => eraseIn(tx, db.schema, userId, () => deleteAccount(tx, userId)));
}

async function purgeStreams(deps: EraseDeps): Promise<number> {
  const due = await listPurgesDue(deps.db, BATCH);
  const outcomes = await Promise.all(
    due.map(({ user_id, tenant_id }) =>
      tryOrDefer(deps, async () => {
        const purged = await deps.events.purgeUser({ user_id, tenant_id });
        if (purged) await planNextPurge(deps.db, user_id);
        return purged;
      }),
    ),
  );
  return outcomes.filter((one) => one).length;
}

/** What fails has its next turn in seconds, and the deadline watches over it. */
async function tryOrDefer({ log }: EraseDeps, work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    log.warn({ error: (error as Error).message }, "erasure attempt failed, will be retried");
    return false;
  }
}
