import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";

/**
 * How far an import is, written down before each batch is sent: whoever comes after a `kill -9` sends that very batch
 * again under the ids it had, and the accounts say whether they are there.
 */
export interface Progress {
  /** Of the file, so that another one is not taken up in the middle. */
  readonly file: string;
  /** Names the import in the activity log. */
  readonly import_id: string;
  /** Of the installation that has the first part. */
  readonly installation: string;
  readonly offset: number;
  readonly line: number;
  readonly imported: number;
  readonly refused: number;
  readonly report_bytes: number;
  /** Accounts by tenant. */
  readonly tenants: Readonly<Record<string, number>>;
  /** The ids of the lines from `line` on that have been sent, one each. */
  readonly sent: readonly string[];
}

export interface AuditLog {
  read(): Promise<Progress | undefined>;
  write(progress: Progress): Promise<void>;
  remove(): Promise<void>;
}

/** A file beside the one that is imported. */
export function openCheckpoint(path: string): AuditLog {
  return {
    async read() {
      const text = await readFile(path, "utf8").catch(orNothing);
      return text === undefined ? undefined : (JSON.parse(text) as Progress);
    },
    async write(progress) {
      await writeSafely(`${path}.next`, JSON.stringify(progress));
      await rename(`${path}.next`, path);
    },
    remove: () => rm(path, { force: true }),
  };
}

async function writeSafely(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}

function orNothing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

const BEGINNING = 1_048_576;

/** Its length and beginning. */
export async function fingerprint(path: string): Promise<{ readonly id: string; readonly bytes: number }> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(BEGINNING, size)), 0, undefined, 0);
    const hash = createHash("sha256").update(buffer.subarray(0, bytesRead)).digest("hex");
    return { id: `${size}:${hash}`, bytes: size };
  } finally {
    await file.close();
  }
}
