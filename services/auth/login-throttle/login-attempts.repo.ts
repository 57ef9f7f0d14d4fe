import type { Database, Queryable, Transaction } from "../../../mixins/database/database.mixin.ts";
import { deleteInBatches } from "../../../mixins/service-sweep.ts";

/** Attempts that are counted together. */
export interface AttemptGroup {
  readonly key: string;
  /** Key of the group's attempts from one client address, or one IPv6 /64. */
  readonly address: string;
}

export interface AttemptGroups {
  /** Of the name that was sent. Decides what the response tells. */
  readonly name: AttemptGroup;
  /** Of the account, whatever name was sent. Decides whether the password is compared. */
  readonly account: AttemptGroup;
}

export interface AttemptLimits {
  /** Consecutive failures, from all client addresses, until the group is throttled. */
  readonly group: number;
  /** Consecutive failures from one client address until that address is throttled. */
  readonly address: number;
  /** Consecutive failures until the group is locked; a password reset unlocks it. */
  readonly lifetime: number;
}

/** `busy`: the attempts in progress fill the limit; try again when they are recorded. */
type Reservation =
  | "busy"
  | { readonly retryAfterSeconds: number }
  /** False: the account is throttled, but the response must not tell. */
  | { readonly counted: boolean };

interface AttemptRequest {
  readonly groups: AttemptGroups;
  readonly userId: string | null;
  /** Whether the caller may learn that the account is throttled under other names. */
  readonly accountIsTold: boolean;
}

export async function reserveAttempt(
  db: Queryable,
  { groups: { name, account }, userId, accountIsTold }: AttemptRequest,
  limits: AttemptLimits,
): Promise<Reservation> {
  const [row] = await db.query<{ wait: number; counted: boolean }>(
    "SELECT wait, counted FROM auth.reserve_attempt($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    [
      ...[name.key, name.address, account.key, account.address, userId, accountIsTold],
      ...[limits.group, limits.address, limits.lifetime],
    ],
  );
  if (!row || row.wait < 0) return "busy";
  return row.wait > 0 ? { retryAfterSeconds: row.wait } : { counted: row.counted };
}

export type AttemptOutcome = "success" | "failure" | "aborted" | "reset";

/** Records in the order in which the groups are locked everywhere. */
export async function recordAttempt(
  db: Queryable,
  outcomes: ReadonlyArray<readonly [AttemptGroup, AttemptOutcome]>,
  limits: AttemptLimits,
): Promise<void> {
  const values: unknown[] = [limits.group, limits.address];
  const add = (value: unknown) => `$${values.push(value)}`;
  const calls = outcomes.map(
    ([group, outcome]) => `auth.record_attempt(${add(group.key)}, ${add(group.address)}, ${add(outcome)}, $1, $2)`,
  );
  await db.query(`SELECT ${calls.join(", ")}`, values);
}

/** Ends all throttling of an account. Locks its groups first, in the order of all other statements. */
export async function clearAttempts(
  tx: Transaction,
  { names, account }: { readonly names: readonly string[]; readonly account: string },
): Promise<void> {
  for (const key of [...names, account])
    await tx.query("SELECT 1 FROM auth.login_attempts WHERE key = $1 FOR UPDATE", [key]);
  await tx.query("DELETE FROM auth.login_attempts WHERE account = ANY($1::text[])", [[...names, account]]);
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
