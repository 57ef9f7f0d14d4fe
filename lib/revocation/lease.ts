import type { Clock } from "../runtime/clock.ts";

const LEASE_MS = 3_000;

/** A time by both clocks. `era` changes when the wall clock goes back or the lease is dropped. */
export interface Timestamp {
  readonly monotonic: number;
  readonly wall: number;
  readonly era: number;
}

export interface Lease {
  /** To be taken right before a renewal is requested, and passed to `grant` with its answer. */
  timestamp(): Timestamp;
  /** Runs from the request, never from the answer: a process that was paused in between must not gain time. */
  grant(requestedAt: Timestamp): void;
  isHeld(): boolean;
  /** Milliseconds since the granted renewal was requested; null without a lease. */
  ageMs(): number | null;
  drop(): void;
}

/**
 * A lease expires by the monotonic or the wall clock, whichever is first: the monotonic clock stops while a machine
 * sleeps, and the wall clock can jump. If the wall clock goes back, the lease ends, and the answer to an earlier request
 * grants nothing. An expired lease still counts as held for `maxStalenessMs`.
 */
export function createLease(clock: Clock, maxStalenessMs: number): Lease {
  let untilMonotonic = Number.NEGATIVE_INFINITY;
  let untilWall = Number.NEGATIVE_INFINITY;
  let latestWall = Number.NEGATIVE_INFINITY;
  let era = 0;
  const drop = () => {
    untilMonotonic = Number.NEGATIVE_INFINITY;
    untilWall = Number.NEGATIVE_INFINITY;
    era += 1;
  };
  const timestamp = (): Timestamp => {
    const wall = clock.now().getTime();
    if (wall < latestWall) drop();
    latestWall = wall;
    return { monotonic: clock.monotonic(), wall, era };
  };
  return {
    timestamp,
    grant(requestedAt) {
      if (requestedAt.era !== timestamp().era) return;
      untilMonotonic = Math.max(untilMonotonic, requestedAt.monotonic + LEASE_MS);
      untilWall = Math.max(untilWall, requestedAt.wall + LEASE_MS);
    },
    isHeld() {
      const now = timestamp();
      return now.monotonic < untilMonotonic + maxStalenessMs && now.wall < untilWall + maxStalenessMs;
    },
    ageMs() {
      const age = clock.monotonic() - (untilMonotonic - LEASE_MS);
      return Number.isFinite(age) ? age : null;
    },
    drop,
  };
}
