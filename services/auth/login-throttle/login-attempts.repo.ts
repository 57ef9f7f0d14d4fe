import type { Database, Queryable, Transaction } from "../../../mixins/database.mixin.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";

export interface AttemptKeys {
  readonly account: string;
  /** Key of the attempts at the account from one client address, or one IPv6 /64. */
  readonly address: string;
}

export interface AttemptLimits {
  /** Consecutive failures, from all client addresses, until the account is throttled. */
  readonly account: number;
  /** Consecutive failures from one client address until that address is throttled. */
  readonly address: number;
  /** Consecutive failures until the account is locked; a password reset unlocks it. */
  readonly lifetime: number;
}

/** `busy`: the attempts in progress fill the limit; try again when they are recorded. */
type Reservation = "reserved" | "busy" | { readonly retryAfterSeconds: number };

export async function reserveAttempt(
  db: Queryable,
  keys: AttemptKeys,
  userId: string | null,
  limits: AttemptLimits,
): Promise<Reservation> {
  const values = [keys.account, keys.address, userId, limits.account, limits.address, limits.lifetime];
  const [row] = await db.query<{ wait: number }>("SELECT auth.reserve_attempt($1, $2, $3, $4, $5, $6) AS wait", values);
  const wait = row?.wait ?? -1;
  if (wait === 0) return "reserved";
  return wait < 0 ? "busy" : { retryAfterSeconds: wait };
}

export type AttemptOutcome = "success" | "failure" | "aborted";

export async function recordAttempt(
  db: Queryable,
  keys: AttemptKeys,
  outcome: AttemptOutcome,
  limits: AttemptLimits,
): Promise<void> {
  const values = [keys.account, keys.address, outcome, limits.account, limits.address];
  await db.query("SELECT auth.record_attempt($1, $2, $3, $4, $5)", values);
}

/** Locks the account's row first, like all other statements, so that none of them deadlock. */
export async function clearAttempts(tx: Transaction, account: string): Promise<void> {
  await tx.query("SELECT 1 FROM auth.login_attempts WHERE key = $1 FOR UPDATE", [account]);
  await tx.query("DELETE FROM auth.login_attempts WHERE account = $1", [account]);
}

/**
 * Deletes rows of client addresses that are no longer throttled, and after 90 days rows of emails and usernames that no
 * account has. An account's own row stays until a login or a reset: otherwise the lifetime limit would be a limit per 90 days.
 */
export function deleteOldAttempts(db: Database): Promise<number> {
  const old = `at < now() - interval '1 day'
    AND (key <> account OR (user_id IS NULL AND at < now() - interval '90 days'))`;
  return deleteInBatches(db, "auth.login_attempts", old);
}
