import type { Transaction } from "../../mixins/database.mixin.ts";

/** The one change that the log takes; the service's role may only add to it. */
export async function pseudonymise(
  tx: Transaction,
  userId: string,
  pseudonym: string,
): Promise<Record<string, number>> {
  const [row] = await tx.query<{ n: number }>("SELECT admin.pseudonymise($1, $2) AS n", [userId, pseudonym]);
  return { activity: row?.n ?? 0 };
}
