import type { Database } from "../../mixins/database/database.mixin.ts";
import { deleteOf, eraseUser } from "../../mixins/personal-data/erasure.ts";
import { type ExportSection, tableSection } from "../../mixins/personal-data/export-pages.ts";
import { Messages, Pushes } from "./mail.entities.ts";

export function eraseDeliveries(db: Database, userId: string): Promise<Record<string, number>> {
  return eraseUser(db, userId, async (tx) => ({
    messages: await deleteOf(tx, "DELETE FROM mail.messages WHERE user_id = $1", userId),
    pushes: await deleteOf(tx, "DELETE FROM mail.pushes WHERE user_id = $1", userId),
  }));
}

/**
 * Which mails and pushes were sent, and when. The text of a mail is never stored; the text of a push is deleted once it
 * is sent.
 */
export function exportSections(db: Database): readonly ExportSection[] {
  const omit = { locked_by: "internal", locked_until: "internal" };
  return [
    tableSection(db, { name: "messages", entity: Messages, orderBy: "id", omit }),
    tableSection(db, { name: "pushes", entity: Pushes, orderBy: "id", omit }),
  ];
}
