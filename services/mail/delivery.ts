import { randomUUID } from "node:crypto";
import { AppError, type ErrorCode, isError } from "../../lib/actions/errors.ts";
import { retry } from "../../lib/runtime/retry.ts";
import { withHeartbeat } from "../../lib/runtime/timeouts.ts";
import {
  type DeliveryLock,
  type DeliveryTable,
  findDeliveryState,
  LOCK_SECONDS,
  releaseLock,
  renewLock,
} from "./delivery.repo.ts";
import type { MailDeps } from "./mail.deps.ts";

export type DeliveryOutcome = "sent" | "already_sent" | "skipped";
type Deps = Pick<MailDeps, "db" | "timers">;

export interface Delivery<Message, SkipReason extends string> {
  readonly table: DeliveryTable;
  readonly id: string;
  /** Thrown while another worker holds the lock. */
  readonly lockedError: ErrorCode;
  /** Takes the lock of a pending message; undefined if another worker holds it or the message is no longer pending. */
  lock(lockId: string): Promise<Message | undefined>;
  send(message: Message): Promise<"sent" | SkipReason>;
  recordSent(): Promise<void>;
  recordSkipped(lockId: string, reason: SkipReason): Promise<void>;
}

/**
 * Sends a message once. Its row is locked before the external server is called and updated afterwards; no transaction is
 * open in between. If the process is killed after the server has accepted the message and before that is recorded, the
 * message is sent again, with the same Message-ID or Idempotency-Key.
 */
export async function deliverOnce<Message, SkipReason extends string>(
  deps: Deps,
  delivery: Delivery<Message, SkipReason>,
): Promise<DeliveryOutcome> {
  const lockId = randomUUID();
  const message = await delivery.lock(lockId);
  if (message === undefined) return findOutcome(deps, delivery);
  const lock: DeliveryLock = { table: delivery.table, id: delivery.id, lockId };
  const result = await withLockRenewal(deps, lock, () => delivery.send(message));
  if (result !== "sent") {
    await delivery.recordSkipped(lockId, result as SkipReason);
    return "skipped";
  }
  await retry(() => delivery.recordSent(), { timers: deps.timers, ...RECORD_RETRIES });
  return "sent";
}

async function findOutcome(
  { db }: Deps,
  { table, id, lockedError }: Pick<Delivery<unknown, string>, "table" | "id" | "lockedError">,
): Promise<DeliveryOutcome> {
  const state = await findDeliveryState(db, table, id);
  if (state === "pending")
    throw new AppError(lockedError, { cause: new Error("Another worker is sending this message") });
  return state === "sent" ? "already_sent" : "skipped";
}

/**
 * Renews the lock, which the caller holds, while `work` runs, so that it does not expire while a slow server responds. A
 * killed node stops renewing it. Releases the lock if `work` fails; a success is recorded, which releases it too.
 */
async function withLockRenewal<T>({ db, timers }: Deps, lock: DeliveryLock, work: () => Promise<T>): Promise<T> {
  try {
    return await withHeartbeat(timers, (LOCK_SECONDS * 1_000) / 3, () => renewLock(db, lock), work);
  } catch (error) {
    await releaseLock(db, lock).catch(() => undefined);
    throw error;
  }
}

/**
 * A message that was sent but not recorded would be sent again, so the record is retried during a short outage of the
 * database.
 */
const RECORD_RETRIES = { delayMs: 200, maxDelayMs: 800, maxAttempts: 5 };

/**
 * The circuit breakers of `mail.send` and `mail.sendPush` must open only if the SMTP server or the push service fails.
 * Failures of other services or of the database are therefore thrown as `overloaded`, which does not count for
 * breakers.
 */
export async function withDeliveryErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isThrownUnchanged =
      error instanceof AppError &&
      (error.status < 500 || isError(error, "mail_unavailable", "push_unavailable", "overloaded"));
    throw isThrownUnchanged ? error : new AppError("overloaded", { retry_after: 1, cause: error });
  }
}
