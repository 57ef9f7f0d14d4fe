import type { MailDeps } from "./mail.deps.ts";
import { LOCK_SECONDS } from "./mail.repo.ts";

/** Keeps a message claimed while `work` lasts, however slow its server is; a killed node's claim runs out by itself. */
export async function withHeartbeat<T>(
  { timers }: Pick<MailDeps, "timers">,
  renew: () => Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const beat = async () => {
    for (;;) {
      await timers.sleep((LOCK_SECONDS * 1_000) / 3, done.signal);
      await renew().catch(() => undefined);
    }
  };
  const beating = beat().catch(() => undefined);
  try {
    return await work();
  } finally {
    done.abort();
    await beating;
  }
}
