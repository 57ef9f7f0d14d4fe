import type { Call } from "../../../lib/actions/typed-call.ts";
import * as repo from "../session/sessions.repo.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { confirmRevocation } from "./confirm-revocation.ts";

export interface TokenVersionBump {
  readonly kind: "user" | "tenant";
  readonly id: string;
  readonly eventId: string;
}

/** When this resolves, every node rejects older access tokens of the user or tenant as `token_stale`. Idempotent per event id. */
export async function bumpTokenVersion(
  deps: SessionsDeps,
  call: Call,
  { kind, id, eventId }: TokenVersionBump,
): Promise<{ version: number }> {
  const { version, changes } = await repo.bumpTokenVersion(deps.db, kind, id, eventId);
  await confirmRevocation(deps, call, changes);
  return { version };
}

/** When this resolves, no node answers from a cache for these keys. A node without a lease gets them with its next lease. */
export async function invalidateCache(
  deps: SessionsDeps,
  call: Call,
  { keys }: { readonly keys: readonly string[] },
): Promise<Record<string, never>> {
  await repo.appendCacheInvalidations(deps.db, keys);
  // Lease holders do not read the `seq` of an entry, so 0 stands for the numbers in the log, which are not known here.
  const changes = keys.map((key) => ({ seq: 0, kind: "cache" as const, key, value: null }));
  await confirmRevocation(deps, call, changes);
  return {};
}
