import type { Transaction } from "../../mixins/database.mixin.ts";
import { deleteOf } from "../../mixins/erasure.ts";

/** What happened stays, and when. Whom it happened to is a new id that is written down nowhere else. */
const ABOUT = `UPDATE admin.activity SET user_id = $2::uuid, details = '{}', correlation_id = NULL,
    actor_id = CASE WHEN actor_id = $1::uuid THEN $2::uuid ELSE actor_id END,
    ip = CASE WHEN actor_id <> $1::uuid THEN ip END
  WHERE user_id = $1::uuid`;
const BY = `UPDATE admin.activity SET actor_id = $2::uuid, ip = NULL
  WHERE actor_id = $1::uuid AND actor_id IS DISTINCT FROM user_id`;

export async function pseudonymise(
  tx: Transaction,
  userId: string,
  pseudonym: string,
): Promise<Record<string, number>> {
  const about = await deleteOf(tx, ABOUT, userId, pseudonym);
  return { activity: about + (await deleteOf(tx, BY, userId, pseudonym)) };
}
