import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Lock {
  release(): void;
}

// A database that is collected as garbage closes, and its lock is gone.
const heldLocks = new Set<DatabaseSync>();

/**
 * Holds what `name` keeps in a folder for this process alone. Node has no flock(); SQLite's lock is the kernel's, so it ends with the
 * process however that dies, and a stale one cannot be.
 */
export function acquireLock(dir: string, name: string): Lock {
  const holder = join(dir, `${name}.lock.pid`);
  const database = openLocked(dir, name, holder);
  heldLocks.add(database);
  writeFileSync(holder, String(process.pid));
  return {
    release() {
      if (heldLocks.delete(database)) database.close();
    },
  };
}

function openLocked(dir: string, name: string, holder: string): DatabaseSync {
  const database = openDatabase(dir, name);
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return database;
  } catch (cause) {
    database.close();
    if (!/locked/.test(String(cause))) throw new Error(`can't write in ${dir}; set DATA_DIR`, { cause });
    throw new Error(`another usermesh is running on ${dir}${describeHolder(holder)}; stop it or set DATA_DIR`);
  }
}

function openDatabase(dir: string, name: string): DatabaseSync {
  try {
    return new DatabaseSync(join(dir, `${name}.lock`), { timeout: 0 });
  } catch (cause) {
    throw new Error(`can't write in ${dir}; set DATA_DIR`, { cause });
  }
}

function describeHolder(holder: string): string {
  try {
    return `, pid ${readFileSync(holder, "utf8")}`;
  } catch {
    return "";
  }
}
