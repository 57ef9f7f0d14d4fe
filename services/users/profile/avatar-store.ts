import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../../../mixins/database/database.mixin.ts";
import { deleteAvatarFile, readAvatarFile, writeAvatarFile } from "./avatars.repo.ts";

/** Storage for the bytes of avatars. A name consists of the avatar's key, which is 32 hex digits, and a size. */
export interface AvatarStore {
  put(name: string, bytes: Buffer): Promise<void>;
  /** Null if nothing is stored under the name. */
  get(name: string): Promise<Buffer | null>;
  /** Succeeds even if nothing is stored under the name. */
  delete(name: string): Promise<void>;
}

/**
 * Stores avatars in UPLOAD_DIR, a folder that all nodes of this service must share, or in the database if it is not set.
 */
export function createAvatarStore(folder: string | undefined, db: Database): AvatarStore {
  return folder === undefined ? storeInDatabase(db) : storeInFolder(folder);
}

function storeInDatabase(db: Database): AvatarStore {
  return {
    put: (name, bytes) => writeAvatarFile(db, name, bytes),
    get: (name) => readAvatarFile(db, name),
    delete: (name) => deleteAvatarFile(db, name),
  };
}

function storeInFolder(folder: string): AvatarStore {
  const pathOf = (name: string) => join(folder, `${name}.webp`);
  return {
    async put(name, bytes) {
      await mkdir(folder, { recursive: true, mode: 0o750 });
      // The file gets its name once it is complete, so that a concurrent read never returns an incomplete file.
      await writeFile(`${pathOf(name)}.part`, bytes, { mode: 0o640 });
      await rename(`${pathOf(name)}.part`, pathOf(name));
    },
    get: (name) => readFile(pathOf(name)).catch(nullIfMissing),
    async delete(name) {
      await Promise.all([rm(pathOf(name), { force: true }), rm(`${pathOf(name)}.part`, { force: true })]);
    },
  };
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
