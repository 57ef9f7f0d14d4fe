import type { Timers } from "./clock.ts";

/** An explicit reason, because creating the default one, an error with a stack, takes longer than most work. */
const DONE = "done";

/** True if `work` ended within `ms`. */
export async function withTimeout(ms: number, work: Promise<unknown> | undefined): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `beat` every `everyMs` while `work` runs, to keep a lock or transaction alive. A failed beat is ignored. */
export async function withHeartbeat<T>(
  timers: Pick<Timers, "sleep">,
  everyMs: number,
  beat: () => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const beatUntilDone = async () => {
    for (;;) {
      await timers.sleep(everyMs, done.signal);
      await beat().catch(() => undefined);
    }
  };
  const beating = beatUntilDone().catch(() => undefined);
  try {
    return await work();
  } finally {
    done.abort(DONE);
    await beating;
  }
}
