const running = new Map<string, Promise<unknown>>();

/**
 * Runs one function of this name at a time: in all tabs of an origin (Web Locks), or else in this process. `work` is told
 * whether it had to wait for another one.
 */
export async function withLock<T>(name: string, work: (hasWaited: boolean) => Promise<T>): Promise<T> {
  if (globalThis.navigator?.locks) return withBrowserLock(navigator.locks, name, work);
  const before = running.get(name);
  const mine = (before ?? Promise.resolve()).catch(() => undefined).then(() => work(before !== undefined));
  running.set(name, mine);
  return mine.finally(() => {
    if (running.get(name) === mine) running.delete(name);
  });
}

async function withBrowserLock<T>(
  locks: LockManager,
  name: string,
  work: (hasWaited: boolean) => Promise<T>,
): Promise<T> {
  const ran = await locks.request(name, { ifAvailable: true }, async (lock) => lock && { result: await work(false) });
  return ran ? ran.result : locks.request(name, () => work(true));
}
