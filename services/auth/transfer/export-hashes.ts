import type { Platform } from "../../../lib/runtime/platform.ts";
import { createDatabase } from "../../../mixins/database.mixin.ts";
import { passwordsOf } from "../password/credentials.repo.ts";
import { createPasswords } from "../password/passwords.ts";

export interface HashReader {
  /** By user id; who has no password is not there. */
  read(userIds: readonly string[]): Promise<Map<string, string>>;
  close(): Promise<void>;
}

/**
 * The hashes without their seal, for `npm run export`. No action gives them: with one, whoever gets onto the bus could
 * take them all home and guess there. It takes the database and the key ring.
 */
export async function openHashReader(platform: Platform): Promise<HashReader> {
  const db = createDatabase(platform, { schema: "auth" });
  const passwords = createPasswords(platform);
  await db.connect();
  return {
    async read(userIds) {
      const found = await passwordsOf(db, userIds);
      return new Map(found.map(({ id, user_id, secret }) => [user_id, passwords.exportHash(secret, id)]));
    },
    close: () => db.close(),
  };
}
