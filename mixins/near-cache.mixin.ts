import type { ServiceSchema } from "moleculer";
import type { Actions, Call } from "../lib/actions/typed-call.ts";
import { createNearCaches, INVALIDATION_WINDOW_MS, type NearCaches } from "../lib/revocation/near-cache.ts";
import { newId } from "../lib/runtime/ids.ts";
import type { Platform } from "../lib/runtime/platform.ts";
import { createLeaseHolder } from "./lease-holder.mixin.ts";

export type CachingService = "users" | "preferences";

export interface ServiceCaches extends Pick<NearCaches, "open"> {
  readonly mixin: Partial<ServiceSchema>;
  /** Handler of the service's action `forget`. */
  applyInvalidation(
    params: Actions["gateway.applyRevocations"]["params"],
  ): Actions["gateway.applyRevocations"]["result"];
  /**
   * Runs `write`, which changes what is kept of `id`, here and in the services of `beside`. No node answers from before
   * it once it has resolved.
   */
  withInvalidation<R>(call: Call, id: string, write: () => Promise<R>, beside?: readonly CachingService[]): Promise<R>;
}

/**
 * Caches of a service's own tables in its own processes. Every write is announced to all of them before it begins; each
 * acknowledges, or its lease has run out and it answers from the database. So a writer who dies after his commit leaves
 * nothing stale behind, and one who can't announce has changed nothing.
 */
export function createServiceCaches(platform: Platform, service: CachingService): ServiceCaches {
  const { clock, random } = platform;
  const caches = createNearCaches(clock, platform.metrics.caches, () => lease.isHeld());
  const lease = createLeaseHolder(platform, {
    service,
    action: `${service}.invalidateCache`,
    onInvalidated: (keys) => learn(caches, service, keys),
  });
  const announce = async (call: Call, id: string, beside: readonly CachingService[]): Promise<string> => {
    const write = newId(clock, random);
    await call("sessions.invalidateCache", { keys: [service, ...beside].map((one) => `${one}/${id}/${write}`) });
    return write;
  };
  return {
    open: caches.open,
    mixin: lease.mixin,
    applyInvalidation: lease.applyEntries,
    async withInvalidation(call, id, write, beside = []) {
      const begun = clock.monotonic();
      const announced = await announce(call, id, beside);
      try {
        return await write();
      } finally {
        if (clock.monotonic() - begun > INVALIDATION_WINDOW_MS / 2) await announce(call, id, beside);
        else caches.endInvalidation(id, announced);
      }
    },
  };
}

/** `null`: more may have been announced than is still known. */
function learn(caches: NearCaches, service: string, keys: readonly string[] | null): void {
  if (keys === null) caches.clear();
  for (const key of keys ?? []) {
    const [owner, id, write] = key.split("/");
    if (owner === service && id !== undefined && write !== undefined) caches.beginInvalidation(id, write);
  }
}
