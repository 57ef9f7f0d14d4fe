import { AsyncLocalStorage } from "node:async_hooks";

const storage = new AsyncLocalStorage<string>();

/** Runs `work` with this id in each of its log lines. */
export function withCorrelation<T>(id: string, work: () => T): T {
  return storage.run(id, work);
}

export function currentCorrelation(): string | undefined {
  return storage.getStore();
}
