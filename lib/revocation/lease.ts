import type { Clock } from "../runtime/clock.ts";

const LEASE_MS = 3_000;

/** A moment by both clocks. `era` changes when the wall clock goes back or the lease is dropped. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
  readonly era: number;
}

export interface Lease {
  /** To be taken right before asking, and given back with the answer. */
  moment(): Moment;
  /** Runs from the moment of asking, never from that of the answer: who was paused meanwhile must not gain time. */
  grant(asked: Moment): void;
  held(): boolean;
  /** Milliseconds since the moment of asking; null without a lease. */
  age(): number | null;
  drop(): void;
}

/**
 * A lease ends by the monotonic or the wall clock, whichever is first: the one stands still while a machine sleeps, the
 * other may jump. If the wall clock goes back, the lease ends, and no answer to a question from before grants anything.
 * `afterwardsMs`: how long it still counts as held after its end.
 */
export function createLease(clock: Clock, afterwardsMs: number): Lease {
  let untilMonotonic = Number.NEGATIVE_INFINITY;
  let untilWall = Number.NEGATIVE_INFINITY;
  let latestWall = Number.NEGATIVE_INFINITY;
  let era = 0;
  const drop = () => {
    untilMonotonic = Number.NEGATIVE_INFINITY;
    untilWall = Number.NEGATIVE_INFINITY;
    era += 1;
  };
  const moment = (): Moment => {
    const wall = clock.now().getTime();
    if (wall < latestWall) drop();
    latestWall = wall;
    return { monotonic: clock.monotonic(), wall, era };
  };
  return {
    moment,
    grant(asked) {
      if (asked.era !== moment().era) return;
      untilMonotonic = Math.max(untilMonotonic, asked.monotonic + LEASE_MS);
      untilWall = Math.max(untilWall, asked.wall + LEASE_MS);
    },
    held() {
      const now = moment();
      return now.monotonic < untilMonotonic + afterwardsMs && now.wall < untilWall + afterwardsMs;
    },
    age() {
      const age = clock.monotonic() - (untilMonotonic - LEASE_MS);
      return Number.isFinite(age) ? age : null;
    },
    drop,
  };
}
