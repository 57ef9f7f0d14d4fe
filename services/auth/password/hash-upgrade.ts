import type { Platform } from "../../../lib/runtime/platform.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { type Credential, listCredentialsWithLabels, listOnePerLabel, replaceSecret } from "./credentials.repo.ts";
import type { PasswordHashing } from "./password-hashing.ts";

/** Wraps weak hashes in ours, one after the other, so that sign-ins get their turn in between. */
export interface HashUpgrade {
  /** Starts the work in the background, unless it is running. It ends when no weak hash is left. */
  start(): void;
  /** Resolves once the hash that is being wrapped is stored. The next maintenance continues. */
  stop(): Promise<void>;
}

interface Deps extends Pick<Platform, "ring" | "log"> {
  readonly db: Database;
  readonly passwords: PasswordHashing;
}

const BATCH_SIZE = 100;

export function createHashUpgrade(deps: Deps): HashUpgrade {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  return {
    start() {
      running ??= upgradeAll(deps, stopping.signal)
        .catch((error: Error) => deps.log.warn({ error: error.message }, "upgrading weak password hashes failed"))
        .finally(() => {
          running = undefined;
        });
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function upgradeAll(deps: Deps, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const labels = (await listOnePerLabel(deps.db)).filter(({ secret }) => deps.passwords.isWeak(secret));
    if (labels.length === 0) return;
    const credentials = await listCredentialsWithLabels(
      deps.db,
      labels.map(({ label }) => label),
      BATCH_SIZE,
    );
    // Without this, credentials that can't be opened would be tried forever; the next maintenance tries again.
    if (!(await upgradeBatch(deps, credentials, stopping))) return;
  }
}

/** True if at least one hash was replaced. */
async function upgradeBatch(deps: Deps, credentials: readonly Credential[], stopping: AbortSignal): Promise<boolean> {
  let isUpgraded = false;
  for (const credential of credentials) {
    if (stopping.aborted) return isUpgraded;
    if (await upgrade(deps, credential)) isUpgraded = true;
  }
  return isUpgraded;
}

/** False if the secret can't be opened, or was changed in the meantime. */
async function upgrade({ db, ring, log, passwords }: Deps, credential: Credential): Promise<boolean> {
  try {
    return await replaceSecret(db, credential, await passwords.wrap(credential.secret, credential.id), ring.active);
  } catch (error) {
    log.error({ credential: credential.id, error: (error as Error).message }, "upgrading a password hash failed");
    return false;
  }
}
