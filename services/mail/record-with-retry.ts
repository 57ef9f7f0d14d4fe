import type { MailDeps } from "./mail.deps.ts";

const ATTEMPTS = 5;
const AGAIN_MS = 200;

/** Unrecorded, it would be sent again: worth some patience with a database that is away for a moment. */
export async function recordWithRetry(
  { timers }: Pick<MailDeps, "timers">,
  record: () => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await record();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await timers.sleep(AGAIN_MS * attempt);
    }
  }
}
