import type { Database } from "../../../mixins/database.mixin.ts";
import { type ExportSection, eventsSection, rowsOf } from "../../../mixins/export-pages.ts";

const NO_ID = "00000000-0000-0000-0000-000000000000";

/** That there is a password, and since when; never what it is made of. */
export function exportSections(db: Database): readonly ExportSection[] {
  return [
    rowsOf(
      db,
      "sign_in_methods",
      NO_ID,
      `SELECT id::text AS position, kind, created_at, changed_at FROM auth.credentials
       WHERE user_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`,
    ),
    rowsOf(
      db,
      "identities",
      "",
      `SELECT issuer AS position, issuer, sub, email, created_at FROM auth.identities
       WHERE user_id = $1 AND issuer > $2 ORDER BY issuer LIMIT $3`,
    ),
    rowsOf(
      db,
      "mailed_links",
      "0",
      `SELECT seq::text AS position, purpose, requested_at, first_sent_at, spent_at FROM auth.one_time_tokens
       WHERE user_id = $1 AND seq > $2::bigint ORDER BY seq LIMIT $3`,
    ),
    rowsOf(
      db,
      "failed_sign_ins",
      "",
      `SELECT key AS position, failed, throttled_until, at FROM auth.login_attempts
       WHERE user_id = $1 AND key > $2 ORDER BY key LIMIT $3`,
    ),
    eventsSection(db),
  ];
}
