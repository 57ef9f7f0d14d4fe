import type { Database } from "../../../mixins/database.mixin.ts";
import type { InvalidatingTransaction } from "../../../mixins/near-cache.mixin.ts";

/** Before its bytes are stored: what is left of an upload that died is found by this row. */
export async function reserveAvatar(db: Database, key: string, userId: string): Promise<void> {
  await db.query("INSERT INTO users.avatars (key, user_id) VALUES ($1, $2)", [key, userId]);
}

/** The account's only one from now on. Null takes it away. Resolves to the keys that are of no use any more. */
export async function switchAvatar(
  tx: InvalidatingTransaction,
  userId: string,
  next: { readonly key: string; readonly url: string } | null,
): Promise<string[]> {
  await tx.query("UPDATE users.users SET avatar_url = $2, updated_at = clock_timestamp() WHERE id = $1", [
    userId,
    next?.url ?? null,
  ]);
  const rows = await tx.query<{ key: string; in_use: boolean }>(
    `UPDATE users.avatars SET in_use = (key = $2) WHERE user_id = $1 AND (in_use OR key = $2) RETURNING key, in_use`,
    [userId, next?.key ?? ""],
  );
  return rows.filter((row) => !row.in_use).map((row) => row.key);
}

export async function isAvatarInUse(db: Database, key: string): Promise<boolean> {
  const rows = await db.query("SELECT 1 FROM users.avatars WHERE key = $1 AND in_use AND user_id IS NOT NULL", [key]);
  return rows.length === 1;
}

/** Replaced, taken away, never finished, or of an account that is gone. Those of a moment ago may be in the making. */
export async function listUnusedAvatars(db: Database, limit: number): Promise<string[]> {
  const rows = await db.query<{ key: string }>(
    `SELECT key FROM users.avatars WHERE (NOT in_use OR user_id IS NULL)
       AND created_at < now() - interval '10 minutes' ORDER BY created_at LIMIT $1`,
    [limit],
  );
  return rows.map((row) => row.key);
}

/** Of a user, but not those whose bytes may be on their way. */
export async function listStoredAvatars(db: Database, userId: string): Promise<string[]> {
  const rows = await db.query<{ key: string }>(
    `SELECT key FROM users.avatars
     WHERE user_id = $1 AND (in_use OR created_at < clock_timestamp() - interval '10 minutes')`,
    [userId],
  );
  return rows.map((row) => row.key);
}

/** The next two that a user shows, behind a key. */
export function listAvatarsOf(
  db: Database,
  userId: string,
  after: string,
): Promise<Array<{ readonly key: string; readonly created_at: Date }>> {
  return db.query(
    "SELECT key, created_at FROM users.avatars WHERE user_id = $1 AND in_use AND key > $2 ORDER BY key LIMIT 2",
    [userId, after],
  );
}

export async function forgetAvatar(db: Database, key: string): Promise<void> {
  await db.query("DELETE FROM users.avatars WHERE key = $1", [key]);
}

export async function writeAvatarFile(db: Database, name: string, bytes: Buffer): Promise<void> {
  await db.query("INSERT INTO users.avatar_files (name, bytes) VALUES ($1, $2)", [name, bytes]);
}

export async function readAvatarFile(db: Database, name: string): Promise<Buffer | null> {
  const [row] = await db.query<{ bytes: Buffer }>("SELECT bytes FROM users.avatar_files WHERE name = $1", [name]);
  return row?.bytes ?? null;
}

export async function deleteAvatarFile(db: Database, name: string): Promise<void> {
  await db.query("DELETE FROM users.avatar_files WHERE name = $1", [name]);
}
