/** Runs `work` as soon as a slot is free, first come, first served. Throws OverloadedError if too many wait already. */
export type Bulkhead = <Result>(work: () => Promise<Result>) => Promise<Result>;

export interface BulkheadLimits {
  /** How many run at once, 1 or more. */
  readonly concurrency: number;
  /** How many more may wait, 0 or more. */
  readonly queue: number;
}

/** Nothing was begun. Becomes a 503 with Retry-After. */
export class OverloadedError extends Error {
  override readonly name = "OverloadedError";
}

export function createBulkhead({ concurrency, queue }: BulkheadLimits): Bulkhead {
  if (!(concurrency >= 1)) throw new RangeError("A bulkhead needs a concurrency of 1 or more");
  const waiting: (() => void)[] = [];
  let taken = 0;

  return async (work) => {
    await takeSlot();
    try {
      return await work();
    } finally {
      passSlotOn();
    }
  };

  function takeSlot(): Promise<void> | void {
    if (taken < concurrency) {
      taken += 1;
      return;
    }
    if (waiting.length >= queue) throw new OverloadedError("All slots are taken and the queue is full");
    return new Promise((resolve) => waiting.push(resolve));
  }

  /** The slot stays taken when it is handed over: freed in between, a newcomer could overtake. */
  function passSlotOn(): void {
    const next = waiting.shift();
    if (next) next();
    else taken -= 1;
  }
}
