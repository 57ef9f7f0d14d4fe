import type { Call } from "../../lib/mesh.ts";
import { confirmRevocation } from "./revocation.ts";
import type { SessionsDeps } from "./sessions.deps.ts";
import { appendForgotten } from "./sessions.repo.ts";

/** No near-cache answers for these keys when this resolves. The feed tells those who were away. */
export async function forget(
  deps: SessionsDeps,
  call: Call,
  { keys }: { readonly keys: readonly string[] },
): Promise<Record<string, never>> {
  await appendForgotten(deps.db, keys);
  const changes = keys.map((key) => ({ seq: 0, kind: "cache" as const, key, value: null }));
  await confirmRevocation(deps, call, changes);
  return {};
}
