import type { ActionContext } from "../../../lib/actions/typed-call.ts";
import type { Platform } from "../../../lib/runtime/platform.ts";
import { createWorkQueue, type Reservation, type WorkQueue } from "../../../lib/runtime/work-queue.ts";
import { lowerHashPriority } from "./hash-priority.ts";
import { type PasswordHashing, preparePasswordHashing } from "./password-hashing.ts";

/** Kinds of requests that hash passwords. They take turns, so that a flood of sign-ups does not keep people from signing in. */
export type HashPurpose = "sign_in" | "sign_up" | "change_password";
type Request = Pick<ActionContext, "deadline">;

/**
 * Decides which requests may hash a password. Hashing is what limits auth: without a limit, a burst of a minute's work
 * makes every request of that minute time out, and the hashes are computed for clients that have left.
 */
export interface HashAdmission {
  /**
   * For requests that always hash. Answers 503 `overloaded` before any work is done if the hash would have to wait too long;
   * otherwise holds a place in the queue while `work` makes the calls that come before the hash.
   */
  reserve<T>(purpose: HashPurpose, request: Request, work: (passwords: PasswordHashing) => Promise<T>): Promise<T>;
  /** For requests that hash only in some cases: answers 503 `overloaded` only in these. */
  passwordsFor(purpose: HashPurpose, request: Request): PasswordHashing;
  readonly stats: WorkQueue["stats"];
}

/** A hash at cost 12 takes some 250 ms; each step of the cost doubles it. Only used until the first one is measured. */
const MS_AT_COST_0 = 0.06;

export function createHashAdmission({
  config,
  ring,
  clock,
  log,
}: Pick<Platform, "config" | "ring" | "clock" | "log">): HashAdmission {
  lowerHashPriority({ log });
  const { cost, concurrency, maxWaitMs } = config.auth.passwordHash;
  const queue = createWorkQueue({ concurrency, maxWaitMs, initialMs: MS_AT_COST_0 * 2 ** cost, clock });
  const hashingBehind = preparePasswordHashing({ ring, cost });
  const hashingOf = (purpose: HashPurpose, { deadline }: Request, reserved?: Reservation): PasswordHashing => {
    let reservation = reserved;
    return hashingBehind((work) => {
      const turn = { kind: purpose, deadline, reservation };
      // This applies to the first hash only: further hashes of the request queue like any other.
      reservation = undefined;
      return queue.run(turn, work);
    });
  };
  return {
    stats: queue.stats,
    passwordsFor: hashingOf,
    async reserve(purpose, request, work) {
      const reservation = queue.reserve(purpose);
      try {
        return await work(hashingOf(purpose, request, reservation));
      } finally {
        reservation.release();
      }
    },
  };
}
