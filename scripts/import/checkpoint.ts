import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";

/**
 * How far an import is, written down before each batch is sent: whoever comes after a `kill -9` sends that very batch
 * again under the ids it had, and the accounts say whether they are there.
 */
export interface Checkpoint {
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

export interface CheckpointFile {
  read(): Promise<Checkpoint | undefined>;
  write(progress: Checkpoint): Promise<void>;
  remove(): Promise<void>;
}

/** A file beside the one that is imported. */
export function openCheckpointFile(path: string): CheckpointFile {
  return {
    async read() {
      const text = await readFile(path, "utf8").catch(ignoreMissing);
      return text === undefined ? undefined : (JSON.parse(text) as Checkpoint);
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

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

const FINGERPRINT_BYTES = 1_048_576;

/** Its length and beginning. */
export async function fingerprint(path: string): Promise<{ readonly id: string; readonly bytes: number }> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(FINGERPRINT_BYTES, size)), 0, undefined, 0);
    const hash = createHash("sha256").update(buffer.subarray(0, bytesRead)).digest("hex");
    return { id: `${size}:${hash}`, bytes: size };
  } finally {
    await file.close();
  }
}
