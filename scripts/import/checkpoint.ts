import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";

/**
 * Progress of an import, written before each batch is sent. After a `kill -9`, the next run sends the same batch again
 * with the same ids, so that accounts which exist already are recognized.
 */
export interface Checkpoint {
  /** Fingerprint of the file, so that the import of another one does not resume in its middle. */
  readonly file: string;
  /** Identifies the import in the activity log. */
  readonly import_id: string;
  /** Identifies the installation that has the accounts so far. */
  readonly installation: string;
  readonly offset: number;
  readonly line: number;
  readonly imported: number;
  readonly refused: number;
  readonly report_bytes: number;
  /** Imported accounts by tenant. */
  readonly tenants: Readonly<Record<string, number>>;
  /** Ids of the lines that were sent last, one each, starting with `line`. */
  readonly sent: readonly string[];
}

export interface CheckpointFile {
  read(): Promise<Checkpoint | undefined>;
  write(checkpoint: Checkpoint): Promise<void>;
  remove(): Promise<void>;
}

export function openCheckpointFile(path: string): CheckpointFile {
  return {
    async read() {
      const text = await readFile(path, "utf8").catch(ignoreMissing);
      return text === undefined ? undefined : (JSON.parse(text) as Checkpoint);
    },
    async write(checkpoint) {
      await writeSafely(`${path}.next`, JSON.stringify(checkpoint));
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

/** Of the length and the first MiB of a file. */
export async function fingerprint(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(FINGERPRINT_BYTES, size)), 0, undefined, 0);
    const hash = createHash("sha256").update(buffer.subarray(0, bytesRead)).digest("hex");
    return `${size}:${hash}`;
  } finally {
    await file.close();
  }
}
