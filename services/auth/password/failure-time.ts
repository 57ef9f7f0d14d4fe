import type { Platform } from "../../../lib/runtime/platform.ts";
import { createTtlCache } from "../../../lib/runtime/ttl-cache.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { listOnePerLabel } from "./credentials.repo.ts";
import type { HashTime, PasswordHashing } from "./password-hashing.ts";

/**
 * Makes failed sign-ins take the same time for all accounts and for names that no account has. Otherwise it would tell
 * whether an account exists and was imported, since hashes of other systems and of other costs take additional time.
 */
export interface FailureTime {
  /** Waits as long as the slowest hash of this installation would have taken, without working. */
  fill(time: HashTime): Promise<void>;
}

interface Deps extends Pick<Platform, "clock" | "timers" | "log"> {
  readonly db: Database;
  readonly passwords: PasswordHashing;
}

const TTL_MS = 10_000;
const STALE_MS = 10 * 60_000;
const MEASUREMENTS = 5;
/** Above the slowest hash, whose time varies too. */
const MARGIN = 1.15;
const MAX_WAIT_MS = 5_000;

export function createFailureTime(deps: Deps): FailureTime {
  const slowest = createTtlCache<number>(deps.clock, { ttlMs: TTL_MS, staleWhileRevalidateMs: STALE_MS });
  const measured = new Map<string, number>();
  return {
    async fill({ bcrypt, total }) {
      const ratio = await slowest.read("all", () => slowestRatio(deps, measured));
      // In units of the bcrypt that was just computed, because load slows all hashes down alike.
      const wait = bcrypt * (1 + ratio * MARGIN) - total;
      if (ratio > 0 && wait > 0) await deps.timers.sleep(Math.min(wait, MAX_WAIT_MS));
    },
  };
}

/** The additional time of the slowest kind of hash that is stored, as a multiple of one bcrypt at our cost. */
async function slowestRatio(deps: Deps, measured: Map<string, number>): Promise<number> {
  let slowest = 0;
  for (const { label, id, secret } of await listOnePerLabel(deps.db)) {
    if (label === deps.passwords.label) continue;
    const ratio = measured.get(label) ?? (await measure(deps, secret, id));
    measured.set(label, ratio);
    slowest = Math.max(slowest, ratio);
  }
  return slowest;
}

async function measure({ passwords, log }: Deps, secret: string, id: string): Promise<number> {
  try {
    // The fastest of each, because load only adds time, and the result is kept.
    const fastest = { bcrypt: Number.POSITIVE_INFINITY, other: Number.POSITIVE_INFINITY };
    for (let n = 0; n < MEASUREMENTS; n += 1) {
      const { bcrypt, total } = (await passwords.verify("", secret, id)).time;
      fastest.bcrypt = Math.min(fastest.bcrypt, bcrypt);
      fastest.other = Math.min(fastest.other, total - bcrypt);
    }
    return fastest.other / fastest.bcrypt;
  } catch (error) {
    log.error({ credential: id, error: (error as Error).message }, "measuring a password hash failed");
    return 0;
  }
}
