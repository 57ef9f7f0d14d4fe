import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionName, Call } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import type { RevocationEntry } from "../session/sessions.repo.ts";
import { type LeaseHolder, listHolders } from "./leases.repo.ts";

const PUSH_TIMEOUT_MS = 1_000;
/** A timer can fire a millisecond early, and the holder may round the end of its lease differently. */
const MARGIN_MS = 5;

export interface RevocationDeps {
  readonly platform: Pick<Platform, "clock" | "timers" | "log" | "metrics">;
  readonly leaseDb: Database;
}

/**
 * Resolves when no lease holder accepts what the committed `changes` revoke: each has acknowledged them, or its lease has
 * expired. The holders are read once: a lease that is granted later comes with the changes. No connection is held while
 * waiting. Rejects with `revocation_pending` if the holders cannot be read.
 */
export async function confirmRevocation(
  deps: RevocationDeps,
  call: Call,
  changes: readonly RevocationEntry[],
): Promise<void> {
  if (changes.length === 0) return;
  const { clock, metrics } = deps.platform;
  const startedAt = clock.monotonic();
  const holders = await listHolders(deps.leaseDb).catch((cause: unknown) => {
    throw new AppError("revocation_pending", { retry_after: 1, cause });
  });
  await Promise.all(
    holders.flatMap((holder) => {
      const relevant = changes.filter((change) => isRelevant(holder, change));
      return relevant.length > 0 ? [acknowledgedOrExpired(deps, call, holder, relevant)] : [];
    }),
  );
  metrics.revocations.observe((clock.monotonic() - startedAt) / 1_000);
}

/** Cache keys concern the caches of the service they name; all other entries concern the processes that check tokens. */
function isRelevant({ action }: LeaseHolder, { kind, key }: RevocationEntry): boolean {
  if (kind === "cache") return action === `${key.split("/")[0]}.invalidateCache`;
  return !action.endsWith(".invalidateCache");
}

function acknowledgedOrExpired(
  { platform }: RevocationDeps,
  call: Call,
  holder: LeaseHolder,
  changes: readonly RevocationEntry[],
): Promise<void> {
  return new Promise((resolve) => {
    const cancelTimer = platform.timers.after(holder.remaining + MARGIN_MS, resolve);
    const acknowledged = () => {
      cancelTimer();
      resolve();
    };
    push(call, holder, changes).then(acknowledged, (error: Error) => {
      platform.log.warn(
        { gateway_id: holder.gateway_id, node: holder.node_id, error: error.message },
        "revocation not acknowledged, waiting for the lease to expire",
      );
    });
  });
}

/** Rejects unless the holder itself acknowledges: after a restart, another process has its node id, with a lease of its own. */
async function push(call: Call, holder: LeaseHolder, changes: readonly RevocationEntry[]): Promise<void> {
  const params = { gateway_id: holder.gateway_id, changes: [...changes] };
  // Every lease holder implements an action of this form under its own name.
  const answer = await call(holder.action as Extract<ActionName, "gateway.applyRevocations">, params, {
    nodeId: holder.node_id,
    timeout: PUSH_TIMEOUT_MS,
  });
  if (answer.gateway_id !== holder.gateway_id) throw new Error("Acknowledged by another process");
}
