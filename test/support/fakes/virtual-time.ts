import type { Clock, Timers } from "../../../lib/runtime/clock.ts";

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export interface VirtualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  now(): number;
  /** The wall clock is set, the monotonic one knows nothing of it. */
  shiftWall(ms: number): void;
  at(time: number, run: () => void): () => void;
  /** Runs everything that falls due until then, in order, each with all that follows from it. */
  runUntil(time: number, afterEach?: () => void): Promise<void>;
}

export function createVirtualTime(): VirtualTime {
  let now = 0;
  let wall = Date.UTC(2026, 0, 1);
  let order = 0;
  const queue: Due[] = [];
  const at = (time: number, run: () => void) => {
    order += 1;
    const due = { at: Math.max(time, now), order, run };
    queue.push(due);
    return () => {
      const index = queue.indexOf(due);
      if (index >= 0) queue.splice(index, 1);
    };
  };
  return {
    clock: { now: () => new Date(wall + now), monotonic: () => now },
    timers: {
      after: (ms, run) => at(now + ms, run),
      sleep: (ms) => new Promise((resolve) => void at(now + ms, resolve)),
    },
    now: () => now,
    shiftWall: (ms) => {
      wall += ms;
    },
    at,
    async runUntil(time, afterEach = () => undefined) {
      await settle();
      for (;;) {
        queue.sort((left, right) => left.at - right.at || left.order - right.order);
        const next = queue[0];
        if (!next || next.at > time) break;
        queue.shift();
        now = next.at;
        next.run();
        await settle();
        afterEach();
      }
      now = time;
      await settle();
    },
  };
}

/** Every promise that can go on has gone on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
