import type { Call } from "../../../lib/actions/typed-call.ts";
import * as repo from "../session/sessions.repo.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { confirmRevocation } from "./revocation.ts";

export interface TokenVersionBump {
  readonly kind: "user" | "tenant";
  readonly id: string;
  readonly eventId: string;
}

/** Access tokens signed before now are `token_stale` at every node when this resolves. One operation with the event. */
export async function bumpTokenVersion(
  deps: SessionsDeps,
  call: Call,
  { kind, id, eventId }: TokenVersionBump,
): Promise<{ version: number }> {
  const { version, changes } = await repo.bumpTokenVersion(deps.db, kind, id, eventId);
  await confirmRevocation(deps, call, changes);
  return { version };
}
