import type { Transaction } from "../../../mixins/database.mixin.ts";
import { deleteOf } from "../../../mixins/erasure.ts";

export async function deleteSessions(tx: Transaction, userId: string): Promise<Record<string, number>> {
  return { sessions: await deleteOf(tx, "DELETE FROM sessions.sessions WHERE user_id = $1", userId) };
}
