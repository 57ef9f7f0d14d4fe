import { createHash } from "node:crypto";
import { AppError } from "../../../lib/actions/errors.ts";
import { rateLimitKey } from "../../../lib/runtime/rate-limit-key.ts";
import { emailKey, emailKeyHash, usernameKey } from "../../../lib/runtime/text-keys.ts";
import type { Transaction } from "../../../mixins/database/database.mixin.ts";
import type { AuthDeps } from "../dependencies.ts";
import {
  type AttemptGroup,
  type AttemptGroups,
  type AttemptLimits,
  type AttemptOutcome,
  clearAttempts,
  recordAttempt,
  reserveAttempt,
} from "./login-attempts.repo.ts";

type ThrottleDeps = Pick<AuthDeps, "db" | "clock" | "timers">;

/** ASVS 5.0 V6.3.1; the lifetime limit of 100 is that of NIST SP 800-63B section 3.2.2. */
const LIMITS: AttemptLimits = { group: 50, address: 10, lifetime: 100 };
const RESERVATION_TIMEOUT_MS = 5_000;
const POLL_INTERVAL_MS = 100;

interface LoginTarget {
  readonly tenantId: string;
  /** As it was sent, whether or not an account has it. */
  readonly name: { readonly email: string } | { readonly username: string };
  /** Null if no account has the name. */
  readonly userId: string | null;
  readonly ip: string;
  /** Id of a device that has signed in to the account before; null if the request did not prove to come from one. */
  readonly deviceId: string | null;
  /** Whether the caller is signed in to the account: they may learn that attempts under its other names throttle it. */
  readonly isSignedIn: boolean;
}

/**
 * Reserves a login attempt before `check` compares the password, and records its outcome afterwards. 429
 * `too_many_attempts` while the name, or this client address at the name, is throttled: for the correct password too, so
 * that the response does not reveal it.
 *
 * Failures under all names of an account count together, but a 429 for one name after failures under another would tell
 * whose names they are. So while only the account is throttled, `check` is called with `false`: it must do the work of a
 * comparison and fail.
 *
 * Attempts from a device that has signed in before are throttled only by failures from that device, so that nobody else
 * can lock the owner out.
 */
export async function withAttempt<T extends { readonly ok: boolean }>(
  deps: ThrottleDeps,
  target: LoginTarget,
  check: (mayCompare: boolean) => Promise<T>,
): Promise<T> {
  const groups = groupsOf(target);
  const device = target.deviceId === null ? null : groupOf(target, `device:${target.deviceId}`);
  const reserved = device ? { name: device, account: device } : groups;
  const counted = await waitForReservation(deps, target, reserved);
  let outcome: AttemptOutcome = "aborted";
  try {
    const result = await check(counted);
    outcome = result.ok ? "success" : "failure";
    return result;
  } finally {
    await recordAttempt(
      deps.db,
      device ? deviceOutcomes(device, groups, outcome) : outcomes(groups, outcome, counted),
      LIMITS,
    );
  }
}

/** Ends the throttling under all names of the account, for a password reset. */
export async function clearThrottling(
  tx: Transaction,
  account: {
    readonly id: string;
    readonly tenant_id: string;
    readonly email: string;
    readonly username: string | null;
  },
): Promise<void> {
  const names = [{ email: account.email }, ...(account.username === null ? [] : [{ username: account.username }])];
  await clearAttempts(tx, {
    names: names.map((name) => nameKey(account.tenant_id, name)),
    account: accountKey(account.tenant_id, account.id),
  });
}

type Outcomes = ReadonlyArray<readonly [AttemptGroup, AttemptOutcome]>;

function outcomes({ name, account }: AttemptGroups, outcome: AttemptOutcome, counted: boolean): Outcomes {
  return counted
    ? [
        [name, outcome],
        [account, outcome],
      ]
    : [[name, outcome]];
}

function deviceOutcomes(device: AttemptGroup, { name, account }: AttemptGroups, outcome: AttemptOutcome): Outcomes {
  if (outcome !== "success") return [[device, outcome]];
  return [
    [device, outcome],
    [name, "reset"],
    [account, "reset"],
  ];
}

/** A name without an account has both groups too, so that an attempt takes the same work. */
function groupsOf(target: LoginTarget): AttemptGroups {
  const name = nameKey(target.tenantId, target.name);
  return { name: groupOf(target, name), account: groupOf(target, accountKey(target.tenantId, target.userId ?? name)) };
}

function nameKey(tenantId: string, name: LoginTarget["name"]): string {
  return emailKeyHash(tenantId, "email" in name ? emailKey(name.email) : usernameKey(name.username));
}

function accountKey(tenantId: string, id: string): string {
  return hash([tenantId, "account", id]);
}

/** The addresses of an IPv6 /64 share one key: a client with one of them has all, and could make attempts from each. */
function groupOf({ ip }: LoginTarget, key: string): AttemptGroup {
  return { key, address: hash([key, rateLimitKey(ip)]) };
}

function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/**
 * Attempts in progress count towards the limits like failed ones, so that parallel attempts cannot exceed them. An attempt
 * that would exceed a limit waits for those in progress: many correct passwords at once are not an attack. Resolves to
 * whether the attempt counts for the account too, and its password may be compared.
 */
async function waitForReservation(
  { db, clock, timers }: ThrottleDeps,
  { userId, isSignedIn }: LoginTarget,
  groups: AttemptGroups,
): Promise<boolean> {
  const deadline = clock.monotonic() + RESERVATION_TIMEOUT_MS;
  for (;;) {
    const reservation = await reserveAttempt(db, { groups, userId, accountIsTold: isSignedIn }, LIMITS);
    if (reservation !== "busy" && "counted" in reservation) return reservation.counted;
    if (reservation !== "busy") throw new AppError("too_many_attempts", { retry_after: reservation.retryAfterSeconds });
    if (clock.monotonic() > deadline) throw new AppError("too_many_attempts", { retry_after: 1 });
    await timers.sleep(POLL_INTERVAL_MS);
  }
}
