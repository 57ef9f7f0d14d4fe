import type { RowOf } from "../../../lib/database/entity.ts";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";
import { updateAccount } from "../core/users.repo.ts";
import { AvatarFiles, Avatars } from "../users.entities.ts";

/** Called before the bytes are stored, so that the sweep finds the files of an interrupted upload. */
export async function reserveAvatar(db: Database, key: string, userId: string): Promise<void> {
  await db.repository(Avatars).insert({ key, user_id: userId });
}

/** No avatar has this key, so comparing with it is false, whereas comparing with null would be null. */
const MATCHES_NO_AVATAR = "";

export interface NextAvatar {
  readonly key: string;
  readonly url: string;
}

/** Replaces the account's avatar; null removes it. Resolves to the keys that are no longer used. */
export async function replaceAvatar(
  tx: InvalidatingTransaction,
  userId: string,
  next: NextAvatar | null,
): Promise<string[]> {
  await updateAccount(tx, userId, { avatar_url: next?.url ?? null });
  const rows = await tx.query<{ key: string; in_use: boolean }>(
    `UPDATE users.avatars SET in_use = (key = $2) WHERE user_id = $1 AND (in_use OR key = $2) RETURNING key, in_use`,
    [userId, next?.key ?? MATCHES_NO_AVATAR],
  );
  return rows.filter((row) => !row.in_use).map((row) => row.key);
}

/** False also for an account that is deleted or erased. */
export async function lacksAvatar(db: Database, userId: string): Promise<boolean> {
  const sql = "SELECT 1 FROM users.users WHERE id = $1 AND avatar_url IS NULL AND deleted_at IS NULL";
  return (await db.query(sql, [userId])).length === 1;
}

export async function isAvatarInUse(db: Database, key: string): Promise<boolean> {
  const rows = await db.query("SELECT 1 FROM users.avatars WHERE key = $1 AND in_use AND user_id IS NOT NULL", [key]);
  return rows.length === 1;
}

/**
 * Avatars that were replaced or removed, whose upload never finished, or whose account was erased. Recent ones are left
 * out, because they may still be uploading.
 */
export async function listUnusedAvatars(db: Database, limit: number): Promise<string[]> {
  const rows = await db.query<{ key: string }>(
    `SELECT key FROM users.avatars WHERE (NOT in_use OR user_id IS NULL)
       AND created_at < now() - interval '10 minutes' ORDER BY created_at LIMIT $1`,
    [limit],
  );
  return rows.map((row) => row.key);
}

/** The keys of a user's avatars, without those that may still be uploading. */
export async function listStoredAvatars(db: Database, userId: string): Promise<string[]> {
  const rows = await db.query<{ key: string }>(
    `SELECT key FROM users.avatars
     WHERE user_id = $1 AND (in_use OR created_at < clock_timestamp() - interval '10 minutes')`,
    [userId],
  );
  return rows.map((row) => row.key);
}

/** The user's next avatar in use after a key, and the one after it, which tells whether there is another page. */
export function listAvatarsInUse(
  db: Database,
  userId: string,
  after: string,
): Promise<Array<Pick<RowOf<typeof Avatars>, "key" | "created_at">>> {
  return db.query(
    "SELECT key, created_at FROM users.avatars WHERE user_id = $1 AND in_use AND key > $2 ORDER BY key LIMIT 2",
    [userId, after],
  );
}

export async function deleteAvatarRow(db: Database, key: string): Promise<void> {
  await db.repository(Avatars).delete({ key });
}

export async function writeAvatarFile(db: Database, name: string, bytes: Buffer): Promise<void> {
  await db.repository(AvatarFiles).insert({ name, bytes });
}

export async function readAvatarFile(db: Database, name: string): Promise<Buffer | null> {
  return (await db.repository(AvatarFiles).findOneBy({ name }))?.bytes ?? null;
}

export async function deleteAvatarFile(db: Database, name: string): Promise<void> {
  await db.repository(AvatarFiles).delete({ name });
}
