import type { Call } from "../../../lib/actions/typed-call.ts";
import { eraseUser } from "../../../mixins/erasure.ts";
import { revokeAll } from "../session/revoke-all.ts";
import type { SessionsDeps } from "../sessions.deps.ts";
import { deleteSessions } from "./erase.repo.ts";

interface Erasure {
  readonly userId: string;
  /** With its event it is one operation: the sessions end once. */
  readonly eventId: string;
  readonly correlationId: string;
}

/**
 * Sessions end before their rows go, so that no node accepts what nobody remembers. What stays is the account's epoch: a
 * number under an id that stands for nobody, which lets no sign-in through that began before.
 */
export async function eraseSessions(deps: SessionsDeps, call: Call, erasure: Erasure): Promise<Record<string, number>> {
  const { userId } = erasure;
  await revokeAll(deps, call, { ...erasure, reason: "account_changed" });
  return eraseUser(deps.db, userId, (tx) => deleteSessions(tx, userId));
}
