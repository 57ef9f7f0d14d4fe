import { createHash } from "node:crypto";
import { AppError } from "../../../lib/actions/errors.ts";
import { rateLimitKey } from "../../../lib/runtime/rate-limit-key.ts";
import { emailKey, emailKeyHash, usernameKey } from "../../../lib/runtime/text-keys.ts";
import type { AuthDeps } from "../dependencies.ts";
import {
  type AttemptKeys,
  type AttemptLimits,
  type AttemptOutcome,
  recordAttempt,
  reserveAttempt,
} from "./login-attempts.repo.ts";

type ThrottleDeps = Pick<AuthDeps, "db" | "clock" | "timers">;

/** ASVS 5.0 V6.3.1; the lifetime limit of 100 is that of NIST SP 800-63B section 3.2.2. */
const LIMITS: AttemptLimits = { account: 50, address: 10, lifetime: 100 };
const RESERVATION_TIMEOUT_MS = 5_000;
const POLL_INTERVAL_MS = 100;

interface LoginTarget {
  readonly tenantId: string;
  /** The account's email. If no account was found, the email or username of the request. */
  readonly email?: string | undefined;
  readonly username?: string | undefined;
  readonly userId: string | null;
  readonly ip: string;
}

/** Key of an account's attempts from all addresses. */
export function accountKey({
  tenantId,
  email,
  username,
}: Pick<LoginTarget, "tenantId" | "email" | "username">): string {
  return emailKeyHash(tenantId, email === undefined ? usernameKey(username ?? "") : emailKey(email));
}

/**
 * Reserves a login attempt before `check` compares the password, and records its outcome afterwards. 429
 * `too_many_attempts` while the account, or this client address at the account, is throttled: for the correct password too,
 * so that the response does not reveal it.
 */
export async function withAttempt<T extends { readonly ok: boolean }>(
  deps: ThrottleDeps,
  target: LoginTarget,
  check: () => Promise<T>,
): Promise<T> {
  const keys = keysOf(target);
  await waitForReservation(deps, keys, target.userId);
  let outcome: AttemptOutcome = "aborted";
  try {
    const result = await check();
    outcome = result.ok ? "success" : "failure";
    return result;
  } finally {
    await recordAttempt(deps.db, keys, outcome, LIMITS);
  }
}

/** The addresses of an IPv6 /64 share one key: a client with one of them has all, and could make attempts from each. */
function keysOf(target: LoginTarget): AttemptKeys {
  const account = accountKey(target);
  const address = createHash("sha256")
    .update(JSON.stringify([account, rateLimitKey(target.ip)]))
    .digest("hex");
  return { account, address };
}

/**
 * Attempts in progress count towards the limits like failed ones, so that parallel attempts cannot exceed them. An attempt
 * that would exceed a limit waits for those in progress: many correct passwords at once are not an attack.
 */
async function waitForReservation(
  { db, clock, timers }: ThrottleDeps,
  keys: AttemptKeys,
  userId: string | null,
): Promise<void> {
  const deadline = clock.monotonic() + RESERVATION_TIMEOUT_MS;
  for (;;) {
    const reservation = await reserveAttempt(db, keys, userId, LIMITS);
    if (reservation === "reserved") return;
    if (reservation !== "busy") throw new AppError("too_many_attempts", { retry_after: reservation.retryAfterSeconds });
    if (clock.monotonic() > deadline) throw new AppError("too_many_attempts", { retry_after: 1 });
    await timers.sleep(POLL_INTERVAL_MS);
  }
}
