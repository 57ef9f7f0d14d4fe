import type { Call } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database/database.mixin.ts";
import { deleteOf, eraseUser } from "../../mixins/personal-data/erasure.ts";
import { type ExportSection, eventsSection, tableSection } from "../../mixins/personal-data/export-pages.ts";
import { revokeAll } from "./session/revoke-all.ts";
import type { SessionsDeps } from "./sessions.deps.ts";
import { Sessions } from "./sessions.entities.ts";

interface Erasure {
  readonly userId: string;
  /** Id of the erasure and of its event: the sessions are revoked once for both. */
  readonly eventId: string;
  readonly correlationId: string;
}

/**
 * Revokes the sessions before their rows are deleted: a node could no longer learn that a deleted session was revoked.
 * The account's epoch stays, without any personal data, so that a sign-in that began before the erasure fails.
 */
export async function eraseSessions(deps: SessionsDeps, call: Call, erasure: Erasure): Promise<Record<string, number>> {
  const { userId } = erasure;
  await revokeAll(deps, call, { ...erasure, reason: "account_changed" });
  return eraseUser(deps.db, userId, async (tx) => ({
    sessions: await deleteOf(tx, "DELETE FROM sessions.sessions WHERE user_id = $1", userId),
  }));
}

export function exportSections(db: Database): readonly ExportSection[] {
  const tokens = "refresh tokens are derived from it";
  const internal = "internal";
  return [
    tableSection(db, {
      name: "sessions",
      entity: Sessions,
      orderBy: "id",
      omit: { kid: tokens, salt: tokens, counter: tokens, spent_at: tokens, sweep_on: internal, revoked_by: internal },
    }),
    eventsSection(db),
  ];
}
