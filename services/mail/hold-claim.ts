import type { MailDeps } from "./mail.deps.ts";
import { CLAIM_SECONDS, renewClaim } from "./mail.repo.ts";

/** Keeps a message claimed while `work` lasts, however slow SMTP is; a killed node's claim runs out by itself. */
export async function holdClaim<T>(
  { db, timers }: Pick<MailDeps, "db" | "timers">,
  id: string,
  claim: string,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const beat = async () => {
    for (;;) {
      await timers.sleep((CLAIM_SECONDS * 1_000) / 3, done.signal);
      await renewClaim(db, id, claim).catch(() => undefined);
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
