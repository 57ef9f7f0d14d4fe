import type { Database } from "../../../mixins/database.mixin.ts";
import { type ExportSection, eventsSection, rowsOf } from "../../../mixins/export-pages.ts";

/** Nothing that a refresh token could be made of. */
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
