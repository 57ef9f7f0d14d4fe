import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Lock {
  release(): void;
}

// A garbage-collected database is closed, which would release its lock.
const heldLocks = new Set<DatabaseSync>();

/**
 * Locks the data of `name` in a folder for this process. Node has no flock(). SQLite's lock is the kernel's: it ends with
 * the process however that dies, so there is no stale lock.
 */
export function acquireLock(dir: string, name: string): Lock {
  const pidFile = join(dir, `${name}.lock.pid`);
  const database = openLocked(dir, name, pidFile);
  heldLocks.add(database);
  writeFileSync(pidFile, String(process.pid));
  return {
    release() {
      if (heldLocks.delete(database)) database.close();
    },
  };
}

function openLocked(dir: string, name: string, pidFile: string): DatabaseSync {
  const database = openDatabase(dir, name);
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return database;
  } catch (cause) {
    database.close();
    if (!/locked/.test(String(cause))) throw new Error(`can't write to ${dir}; set DATA_DIR`, { cause });
    throw new Error(`another usermesh is running on ${dir}${describeHolder(pidFile)}; stop it or set DATA_DIR`);
  }
}

function openDatabase(dir: string, name: string): DatabaseSync {
  try {
    return new DatabaseSync(join(dir, `${name}.lock`), { timeout: 0 });
  } catch (cause) {
    throw new Error(`can't write to ${dir}; set DATA_DIR`, { cause });
  }
}

function describeHolder(pidFile: string): string {
  try {
    return `, pid ${readFileSync(pidFile, "utf8")}`;
  } catch {
    return "";
  }
}
