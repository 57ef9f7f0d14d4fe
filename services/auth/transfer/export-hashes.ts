import type { Platform } from "../../../lib/runtime/platform.ts";
import { createDatabase } from "../../../mixins/database/database.mixin.ts";
import { findPasswordCredentials } from "../password/credentials.repo.ts";
import { createConfiguredPasswordHashing } from "../password/password-hashing.ts";

export interface HashReader {
  /** Hashes by user id. Users without a password have no entry. */
  read(userIds: readonly string[]): Promise<Map<string, string>>;
  close(): Promise<void>;
}

/**
 * Reads the hashes without their seal, for `npm run export`. This is not an action: otherwise anyone with access to the bus
 * could obtain all hashes for offline guessing. It requires access to the database and the key ring.
 */
export async function openHashReader(platform: Platform): Promise<HashReader> {
  const db = createDatabase(platform, { schema: "auth" });
  const passwords = createConfiguredPasswordHashing(platform);
  await db.connect();
  return {
    async read(userIds) {
      const credentials = await findPasswordCredentials(db, userIds);
      return new Map(credentials.map(({ id, user_id, secret }) => [user_id, passwords.exportHash(secret, id)]));
    },
    close: () => db.close(),
  };
}
