import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionName, Call } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Database } from "../../../mixins/database.mixin.ts";
import type { RevocationEntry } from "../session/sessions.repo.ts";
import { type LeaseHolder, listHolders } from "./leases.repo.ts";

const PUSH_TIMEOUT_MS = 1_000;
/** A timer may fire a millisecond early, and the holder's clock has its own rounding. */
const MARGIN_MS = 5;

export interface RevocationDeps {
  readonly platform: Pick<Platform, "timers" | "log">;
  readonly leaseDb: Database;
}

/**
 * Resolves when no holder of a lease accepts what the committed `changes` make void: each has acknowledged, or its lease
 * has run out. Who asks for a lease from now on reads the changes with it, so one look at the holders is enough. No
 * connection is held meanwhile. Rejects with `revocation_pending` where the holders can't be read.
 */
export async function confirmRevocation(
  deps: RevocationDeps,
  call: Call,
  changes: readonly RevocationEntry[],
): Promise<void> {
  if (changes.length === 0) return;
  const holders = await listHolders(deps.leaseDb).catch((cause: unknown) => {
    throw new AppError("revocation_pending", { retry_after: 1, cause });
  });
  await Promise.all(
    holders.flatMap((holder) => {
      const concerning = changes.filter((change) => concerns(holder, change));
      return concerning.length > 0 ? [acknowledgedOrLapsed(deps, call, holder, concerning)] : [];
    }),
  );
}

/** A cache waits for its own service's writes alone, and whoever checks tokens for none of them. */
function concerns({ action }: LeaseHolder, { kind, key }: RevocationEntry): boolean {
  if (kind === "cache") return action === `${key.split("/")[0]}.invalidateCache`;
  return !action.endsWith(".invalidateCache");
}

function acknowledgedOrLapsed(
  { platform }: RevocationDeps,
  call: Call,
  holder: LeaseHolder,
  changes: readonly RevocationEntry[],
): Promise<void> {
  return new Promise((resolve) => {
    const cancel = platform.timers.after(holder.remaining + MARGIN_MS, resolve);
    const acknowledged = () => {
      cancel();
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

/** Only that very process counts: another one under the same node id has a lease of its own. */
async function push(call: Call, holder: LeaseHolder, changes: readonly RevocationEntry[]): Promise<void> {
  const params = { gateway_id: holder.gateway_id, changes: [...changes] };
  // Other services that check tokens have an action of the same form as the gateway's.
  const answer = await call(holder.action as Extract<ActionName, "gateway.applyRevocations">, params, {
    nodeId: holder.node_id,
    timeout: PUSH_TIMEOUT_MS,
  });
  if (answer.gateway_id !== holder.gateway_id) throw new Error("Acknowledged by another process");
}
