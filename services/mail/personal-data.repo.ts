import type { Database } from "../../mixins/database.mixin.ts";
import { deleteOf, eraseUser } from "../../mixins/erasure.ts";
import { type ExportSection, rowsOf } from "../../mixins/export-pages.ts";

export function eraseMessages(db: Database, userId: string): Promise<Record<string, number>> {
  return eraseUser(db, userId, async (tx) => ({
    messages: await deleteOf(tx, "DELETE FROM mail.messages WHERE user_id = $1", userId),
    pushes: await deleteOf(tx, "DELETE FROM mail.pushes WHERE user_id = $1", userId),
  }));
}

const FIRST = "00000000-0000-0000-0000-000000000000";

/** Which mails and pushes were sent and when. The text of a mail is never stored, that of a push only until it is sent. */
export function exportSections(db: Database): readonly ExportSection[] {
  return [
    rowsOf(
      db,
      "messages",
      FIRST,
      `SELECT id::text AS position, id, kind, state, created_at, sent_at FROM mail.messages
       WHERE user_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`,
    ),
    rowsOf(
      db,
      "pushes",
      FIRST,
      `SELECT id::text AS position, id, title, body, data, state, reason, created_at, sent_at FROM mail.pushes
       WHERE user_id = $1 AND id > $2::uuid ORDER BY id LIMIT $3`,
    ),
  ];
}
