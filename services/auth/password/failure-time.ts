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
const FIRST_MEASUREMENTS = 5;
/** After a start on a busy machine, one more hash of each kind in this time corrects what was measured too slow. */
const MEASURE_AGAIN_MS = 10 * 60_000;
/** Above the slowest hash, whose time varies too. */
const MARGIN = 1.15;
const MAX_WAIT_MS = 5_000;

/** Milliseconds on an idle machine: always the fastest so far, because load only adds time. */
interface Fastest {
  bcrypt: number;
  /** What the hashes of each label take besides. */
  readonly others: Map<string, { readonly ms: number; readonly measuredAt: number }>;
}

export function createFailureTime(deps: Deps): FailureTime {
  const slowest = createTtlCache<number>(deps.clock, { ttlMs: TTL_MS, staleWhileRevalidateMs: STALE_MS });
  const fastest: Fastest = { bcrypt: Number.POSITIVE_INFINITY, others: new Map() };
  return {
    async fill({ bcrypt, total }) {
      fastest.bcrypt = Math.min(fastest.bcrypt, bcrypt);
      const additional = await slowest.read("all", () => slowestAdditional(deps, fastest));
      // In units of the bcrypt that was just computed, because load slows all hashes down alike.
      const wait = bcrypt * (1 + (additional / fastest.bcrypt) * MARGIN) - total;
      if (additional > 0 && wait > 0) await deps.timers.sleep(Math.min(wait, MAX_WAIT_MS));
    },
  };
}

/** Milliseconds that the slowest kind of hash that is stored takes besides one bcrypt at our cost. */
async function slowestAdditional(deps: Deps, fastest: Fastest): Promise<number> {
  let slowest = 0;
  for (const { label, id, secret } of await listOnePerLabel(deps.db)) {
    if (label === deps.passwords.label) continue;
    const known = fastest.others.get(label);
    const now = deps.clock.monotonic();
    const isKnown = known !== undefined && now - known.measuredAt < MEASURE_AGAIN_MS;
    const ms = isKnown ? known.ms : await measure(deps, fastest, { id, secret, known: known?.ms });
    if (!isKnown) fastest.others.set(label, { ms, measuredAt: now });
    slowest = Math.max(slowest, ms);
  }
  return slowest;
}

interface Sample {
  readonly id: string;
  readonly secret: string;
  /** Measured before. */
  readonly known: number | undefined;
}

async function measure({ passwords, log }: Deps, fastest: Fastest, { id, secret, known }: Sample): Promise<number> {
  let shortest = known ?? Number.POSITIVE_INFINITY;
  const measurements = known === undefined ? FIRST_MEASUREMENTS : 1;
  try {
    for (let n = 0; n < measurements; n += 1) {
      const { bcrypt, total } = (await passwords.verify("", secret, id)).time;
      fastest.bcrypt = Math.min(fastest.bcrypt, bcrypt);
      shortest = Math.min(shortest, total - bcrypt);
    }
    return shortest;
  } catch (error) {
    log.error({ credential: id, error: (error as Error).message }, "measuring a password hash failed");
    return known ?? 0;
  }
}
