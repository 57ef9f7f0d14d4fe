import type { Call } from "../../../lib/actions/typed-call.ts";
import { appendCacheInvalidations } from "../session/sessions.repo.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { confirmRevocation } from "./revocation.ts";

/** No near-cache answers for these keys when this resolves. The revocation log tells those who were away. */
export async function invalidateCache(
  deps: SessionsDeps,
  call: Call,
  { keys }: { readonly keys: readonly string[] },
): Promise<Record<string, never>> {
  await appendCacheInvalidations(deps.db, keys);
  const changes = keys.map((key) => ({ seq: 0, kind: "cache" as const, key, value: null }));
  await confirmRevocation(deps, call, changes);
  return {};
}
