import type { Call } from "../../lib/actions/typed-call.ts";
import type { Database } from "../../mixins/database.mixin.ts";
import { deleteOf, eraseUser } from "../../mixins/erasure.ts";
import { type ExportSection, eventsSection, rowsOf } from "../../mixins/export-pages.ts";
import { revokeAll } from "./session/revoke-all.ts";
import type { SessionsDeps } from "./sessions.deps.ts";

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

/** Excludes everything that a refresh token is derived from. */
export function exportSections(db: Database): readonly ExportSection[] {
  return [
    rowsOf(
      db,
      "sessions",
      "00000000-0000-0000-0000-000000000000",
      `SELECT id::text AS position, id, device_name, browser, os, device_type, ip, amr, auth_time, created_at, last_used_at,
         expires_at, revoked_at, revoked_reason
       FROM sessions.sessions WHERE user_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`,
    ),
    eventsSection(db),
  ];
}
