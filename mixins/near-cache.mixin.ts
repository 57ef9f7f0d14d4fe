import type { ServiceSchema } from "moleculer";
import type { Actions, Call } from "../lib/actions/typed-call.ts";
import { INVALIDATION_WINDOW_MS, NearCaches } from "../lib/revocation/near-cache.ts";
import { newId } from "../lib/runtime/ids.ts";
import type { Platform } from "../lib/runtime/platform.ts";
import type { Database, Transaction, TransactionSource } from "./database/database.mixin.ts";
import { createLeaseHolder } from "./lease-holder.mixin.ts";

/** Statements that write cached rows accept only this, so a write that invalidates nothing does not compile. */
export interface InvalidatingTransaction extends Transaction {
  /** Throws if the caches were not told of a write to this key before the transaction began. */
  assertInvalidated(key: string): void;
}

export interface ServiceCaches extends Pick<NearCaches, "open"> {
  readonly mixin: Partial<ServiceSchema>;
  /** Handler of the service's action `invalidateCache`. */
  applyInvalidation(
    params: Actions["gateway.applyRevocations"]["params"],
  ): Actions["gateway.applyRevocations"]["result"];
  /**
   * Transactions that may write what is cached under `keys`. Each begins by invalidating them at every node; if that is
   * impossible it rejects and changes nothing. Once the write has resolved, no node answers with a value from before it.
   */
  invalidating(call: Call, ...keys: string[]): TransactionSource<InvalidatingTransaction>;
  /**
   * The same for a write that must commit even while sessions is unavailable. `invalidate` follows the commit, and the
   * event of the write repeats it.
   */
  invalidatingLater(...keys: string[]): TransactionSource<InvalidatingTransaction>;
  /** Once it has resolved, no node answers with a value from before this call. */
  invalidate(call: Call, key: string): Promise<void>;
}

/**
 * Caches of a service's own tables in its own processes. Before a write every process acknowledges the invalidation, or
 * its lease has expired and it answers from the database. So a writer that crashes after its commit leaves nothing stale
 * behind.
 */
export function createServiceCaches(platform: Platform, db: Database): ServiceCaches {
  const { clock, random } = platform;
  const service = db.schema;
  const caches = new NearCaches(clock, platform.metrics.caches, () => lease.isHeld());
  const lease = createLeaseHolder(platform, {
    service,
    action: `${service}.invalidateCache`,
    onInvalidated: (keys) => applyKeys(caches, service, keys),
  });
  const begin = async (call: Call, keys: readonly string[]): Promise<() => void> => {
    const write = newId(clock, random);
    await call("sessions.invalidateCache", { keys: keys.map((key) => `${service}/${key}/${write}`) });
    return () => {
      for (const key of keys) caches.endInvalidation(key, write);
    };
  };
  const run = <R>(keys: readonly string[], work: (tx: InvalidatingTransaction) => Promise<R>): Promise<R> =>
    db.transaction((tx) => work(Object.assign(tx, { assertInvalidated: assertOneOf(keys) })));
  return {
    open: (name, ttlMs, options) => caches.open(name, ttlMs, options),
    mixin: lease.mixin,
    applyInvalidation: lease.applyEntries,
    invalidating: (call, ...keys) => ({
      ...db,
      async transaction(work) {
        const begun = clock.monotonic();
        const end = await begin(call, keys);
        try {
          return await run(keys, work);
        } finally {
          const mayHaveExpired = clock.monotonic() - begun > INVALIDATION_WINDOW_MS / 2;
          const endLatest = mayHaveExpired ? await begin(call, keys) : end;
          endLatest();
        }
      },
    }),
    invalidatingLater: (...keys) => ({ ...db, transaction: (work) => run(keys, work) }),
    invalidate: async (call, key) => (await begin(call, [key]))(),
  };
}

function assertOneOf(keys: readonly string[]): (key: string) => void {
  return (key) => {
    if (!keys.includes(key)) throw new Error(`A cached row is written without invalidating ${key}`);
  };
}

/** `null`: more may have been invalidated than is still known. */
function applyKeys(caches: NearCaches, service: string, keys: readonly string[] | null): void {
  if (keys === null) caches.clear();
  for (const entry of keys ?? []) {
    const [owner, key, write] = entry.split("/");
    if (owner === service && key !== undefined && write !== undefined) caches.beginInvalidation(key, write);
  }
}
