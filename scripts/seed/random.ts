/** For demonstration data, never for secrets. */
export interface SeededRandom {
  /** 0 ≤ n < count. */
  below(count: number): number;
  pick<T>(from: readonly T[]): T;
  /** `count` different ones, or all. */
  sample<T>(from: readonly T[], count: number): T[];
  /** True in so many of a hundred cases. */
  chance(share: number): boolean;
}

/** The same numbers for the same seed (mulberry32). */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const upTo = (count: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  };
  return {
    below: upTo,
    pick<T>(from: readonly T[]): T {
      return from[upTo(from.length)] as T;
    },
    sample: (from, count) => {
      const first = upTo(from.length);
      return [...from.slice(first), ...from.slice(0, first)].slice(0, count);
    },
    chance: (share) => upTo(100) < share,
  };
}
