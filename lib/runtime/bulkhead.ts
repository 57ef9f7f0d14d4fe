/** Runs `work` as soon as a slot is free, in order of arrival. Rejects with OverloadedError if too many are waiting. */
export type Bulkhead = <Result>(work: () => Promise<Result>) => Promise<Result>;

export interface BulkheadLimits {
  /** Maximum running at once, 1 or more. */
  readonly concurrency: number;
  /** Maximum waiting, 0 or more. */
  readonly queue: number;
}

/** The work was not started. Becomes a 503 with Retry-After. */
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

  /** Hands the slot over directly: if it were freed in between, a newcomer could overtake. */
  function passSlotOn(): void {
    const next = waiting.shift();
    if (next) next();
    else taken -= 1;
  }
}
