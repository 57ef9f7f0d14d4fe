/** A pseudo-random generator for demonstration data, never for secrets. */
export interface SeededRandom {
  /** An integer from 0 to `count` - 1. */
  below(count: number): number;
  pick<T>(from: readonly T[]): T;
  /** `count` different values, or all. */
  sample<T>(from: readonly T[], count: number): T[];
  /** True with a probability of `percent` percent. */
  chance(percent: number): boolean;
}

/** mulberry32. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const below = (count: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  };
  return {
    below,
    pick<T>(from: readonly T[]): T {
      return from[below(from.length)] as T;
    },
    sample: (from, count) => {
      const first = below(from.length);
      return [...from.slice(first), ...from.slice(0, first)].slice(0, count);
    },
    chance: (percent) => below(100) < percent,
  };
}
