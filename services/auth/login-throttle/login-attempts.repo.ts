import type { Database, Transaction } from "../../../mixins/database.mixin.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";

type Queryable = Pick<Database, "query">;

export interface AttemptKeys {
  readonly account: string;
  readonly address: string;
}

export interface AttemptLimits {
  /** Wrong ones in a row, from all addresses, until the account is slowed. */
  readonly account: number;
  /** The same from one address. */
  readonly address: number;
  /** Failures in a row after which the account is locked until a reset. */
  readonly lifetime: number;
}

/** 0: look at the hash. -1: others are in flight, ask again. Else the seconds to wait. */
export async function reserveAttempt(
  db: Queryable,
  keys: AttemptKeys,
  userId: string | null,
  limits: AttemptLimits,
): Promise<number> {
  const values = [keys.account, keys.address, userId, limits.account, limits.address, limits.lifetime];
  const [row] = await db.query<{ wait: number }>("SELECT auth.reserve_attempt($1, $2, $3, $4, $5, $6) AS wait", values);
  return row?.wait ?? -1;
}

export type AttemptOutcome = "success" | "failure" | "aborted";

export async function recordAttempt(
  db: Queryable,
  keys: AttemptKeys,
  outcome: AttemptOutcome,
  limits: AttemptLimits,
): Promise<void> {
  await db.query("SELECT auth.record_attempt($1, $2, $3, $4, $5)", [
    keys.account,
    keys.address,
    outcome,
    limits.account,
    limits.address,
  ]);
}

/** The account's row first, as everybody locks them. */
export async function clearAttempts(tx: Transaction, account: string): Promise<void> {
  await tx.query("SELECT 1 FROM auth.login_attempts WHERE key = $1 FOR UPDATE", [account]);
  await tx.query("DELETE FROM auth.login_attempts WHERE account = $1", [account]);
}

/**
 * Rows of single addresses when they slow nobody any more, rows of names that are no account after 90 days. What an
 * account has counted is kept until somebody signs in or resets: else 100 in a row would be 100 a month.
 */
export function deleteOldAttempts(db: Database): Promise<number> {
  const old = `at < now() - interval '1 day'
    AND (key <> account OR (user_id IS NULL AND at < now() - interval '90 days'))`;
  return deleteInBatches(db, "auth.login_attempts", old);
}
