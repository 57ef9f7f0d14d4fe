import type { Database } from "../../mixins/database.mixin.ts";
import { type ExportSection, rowsOf } from "../../mixins/export-pages.ts";

/** Which mails and pushes went out and when. The text of a mail is kept nowhere, that of a push until it is sent. */
export function exportSections(db: Database): readonly ExportSection[] {
  return [
    rowsOf(
      db,
      "messages",
      "00000000-0000-0000-0000-000000000000",
      `SELECT id::text AS position, id, kind, state, created_at, sent_at FROM mail.messages
       WHERE user_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`,
    ),
    rowsOf(
      db,
      "pushes",
      "00000000-0000-0000-0000-000000000000",
      `SELECT id::text AS position, id, title, body, data, state, reason, created_at, sent_at FROM mail.pushes
       WHERE user_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`,
    ),
  ];
}
