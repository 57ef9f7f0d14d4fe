import type { Database } from "../../mixins/database.mixin.ts";
import { deleteOf, eraseUser } from "../../mixins/erasure.ts";

export function eraseMessages(db: Database, userId: string): Promise<Record<string, number>> {
  return eraseUser(db, userId, async (tx) => ({
    messages: await deleteOf(tx, "DELETE FROM mail.messages WHERE user_id = $1", userId),
    pushes: await deleteOf(tx, "DELETE FROM mail.pushes WHERE user_id = $1", userId),
  }));
}
