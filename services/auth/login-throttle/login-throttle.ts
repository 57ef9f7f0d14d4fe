import { createHash } from "node:crypto";
import { AppError } from "../../../lib/actions/errors.ts";
import { emailKey, emailKeyHash, usernameKey } from "../../../lib/runtime/text-keys.ts";
import type { AuthDeps } from "../dependencies.ts";
import {
  type AttemptKeys,
  type AttemptLimits,
  type AttemptOutcome,
  recordAttempt,
  reserveAttempt,
} from "./login-attempts.repo.ts";

/** ASVS 5.0 V6.3.1; NIST SP 800-63B section 3.2.2 for the hundred. */
const limits: AttemptLimits = { account: 50, address: 10, lifetime: 100 };
const TIMEOUT_MS = 5_000;
const POLL_MS = 100;

interface ThrottledAccount {
  readonly tenantId: string;
  /** Of the account, or the name that no account has. */
  readonly email?: string | undefined;
  readonly username?: string | undefined;
  readonly userId: string | null;
  readonly ip: string;
}

export function accountKey({
  tenantId,
  email,
  username,
}: Pick<ThrottledAccount, "tenantId" | "email" | "username">): string {
  return emailKeyHash(tenantId, email === undefined ? usernameKey(username ?? "") : emailKey(email));
}

/**
 * Counts the guess before `look` sees the hash, and settles it after. 429 `too_many_attempts` where the account, or this
 * address at it, is slowed: the same for a right and a wrong password.
 */
export async function withAttempt<T extends { readonly ok: boolean }>(
  deps: Pick<AuthDeps, "db" | "clock" | "timers">,
  who: ThrottledAccount,
  look: () => Promise<T>,
): Promise<T> {
  const keys = keysOf(who);
  await admit(deps, keys, who.userId);
  let outcome: AttemptOutcome = "aborted";
  try {
    const seen = await look();
    outcome = seen.ok ? "success" : "failure";
    return seen;
  } finally {
    await recordAttempt(deps.db, keys, outcome, limits);
  }
}

function keysOf(who: ThrottledAccount): AttemptKeys {
  const account = accountKey(who);
  const address = createHash("sha256")
    .update(JSON.stringify([account, who.ip]))
    .digest("hex");
  return { account, address };
}

/**
 * Guesses in flight fill the limit like wrong ones. Beyond it one waits until they are settled, so that many right
 * passwords at once are no attack, and many wrong ones no more than the limit.
 */
async function admit(
  { db, clock, timers }: Pick<AuthDeps, "db" | "clock" | "timers">,
  keys: AttemptKeys,
  userId: string | null,
): Promise<void> {
  const end = clock.monotonic() + TIMEOUT_MS;
  for (;;) {
    const wait = await reserveAttempt(db, keys, userId, limits);
    if (wait === 0) return;
    if (wait > 0) throw new AppError("too_many_attempts", { retry_after: wait });
    if (clock.monotonic() > end) throw new AppError("too_many_attempts", { retry_after: 1 });
    await timers.sleep(POLL_MS);
  }
}
