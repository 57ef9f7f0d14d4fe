import type { Logger } from "pino";
import { type Actions, type Call, servicesWith } from "../../../lib/actions/typed-call.ts";
import type { EventLog } from "../../../lib/runtime/platform.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { eraseIn } from "../../../mixins/personal-data/erasure.ts";
import type { UsersDeps } from "../core/users.deps.ts";
import { lockIncludingDeleted } from "../core/users.repo.ts";
import { eraseAvatarsOfUser } from "../profile/change-avatar.ts";
import { eraseTenants } from "../tenants/erase-tenants.ts";
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

export interface EraseDeps extends Pick<UsersDeps, "db" | "caches" | "outbox" | "avatars" | "clock"> {
  readonly events: EventLog;
  readonly log: Logger;
}

type Progress = Actions["users.eraseDue"]["result"];

const BATCH = 10;

/** The other services that store personal data. The users service erases its own rows after them. */
const otherServices = servicesWith("erase");

/**
 * Begins or continues the erasures that are due. Every step may be repeated: the next run continues one that crashed, and
 * asks an unavailable service again until it has confirmed.
 */
export async function eraseDue(deps: EraseDeps, call: Call, correlationId: string): Promise<Progress> {
  await tryOrDefer(deps, async () => {
    await eraseTenants(deps.db, deps.log, call);
    return true;
  });
  const { due, completed } = await eraseAccounts(deps, call, correlationId);
  const purged = await purgeStreams(deps);
  const { overdue } = await countErasures(deps.db);
  if (overdue > 0) deps.log.error({ overdue }, "erasures overdue");
  return { due, completed, overdue, purged };
}

/** Shorter than the action's timeout: the next run continues with the accounts of a deleted tenant. */
const MAX_RUN_MS = 30_000;

/** Erases batch after batch, until nothing is due, an attempt has failed, or the time of the run is used up. */
async function eraseAccounts(deps: EraseDeps, call: Call, correlationId: string) {
  const end = deps.clock.monotonic() + MAX_RUN_MS;
  const total = { due: 0, completed: 0 };
  for (let isMore = true; isMore && deps.clock.monotonic() < end; ) {
    const due = await listDueErasures(deps.db, BATCH);
    const outcomes = await Promise.all(
      due.map((userId) => tryOrDefer(deps, () => eraseOne(deps, call, userId, correlationId))),
    );
    const completed = outcomes.filter((one) => one).length;
    total.due += due.length;
    total.completed += completed;
    isMore = completed === BATCH;
  }
  return total;
}

async function eraseOne(deps: EraseDeps, call: Call, userId: string, correlationId: string): Promise<boolean> {
  const erasure = await beginErasure(deps.db, userId);
  if (!erasure) return false;
  const missing = otherServices.filter((name) => !(name in erasure.receipts));
  await Promise.all(missing.map((name) => tryOrDefer(deps, () => requestErasure(deps, call, name, erasure))));
  const { receipts } = (await readErasure(deps.db, userId)) ?? { receipts: {} };
  if (!otherServices.every((name) => name in receipts)) return false;
  await eraseAvatarsOfUser(deps, userId);
  return deps.caches.invalidating(call, userId).transaction((tx) => completeErasureOf(deps, tx, userId, correlationId));
}

async function requestErasure({ db }: EraseDeps, call: Call, service: string, erasure: ErasureRow): Promise<boolean> {
  const action = `${service}.erase` as "auth.erase";
  const receipt = await call(action, { user_id: erasure.user_id, erasure_id: erasure.id });
  await keepReceipt(db, erasure.user_id, service, receipt);
  return true;
}

/** Deletes the account, which comes last, and records the event in the same transaction. */
async function completeErasureOf(
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

/** After a restore from a backup, the stream's `user.erased` events erase the restored accounts again. */
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

/** A failure is retried by the next run, seconds later. One that persists is counted in `overdue`. */
async function tryOrDefer({ log }: EraseDeps, work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    log.warn({ error: (error as Error).message }, "erasure attempt failed, will be retried");
    return false;
  }
}
