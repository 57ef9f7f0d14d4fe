import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";

/** Creates the folder with mode 0700 if it is missing; resolves to its real path. */
export async function privateDir(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return realpath(path);
}

/** The secret stored as `name` in `dataDir` (mode 0600). The first caller generates it; concurrent callers all get the same one. */
export async function persistentSecret(
  dataDir: string,
  name: string,
  generate: () => string | Promise<string>,
): Promise<string> {
  const path = join(await privateDir(dataDir), name);
  const stored = await read(path);
  if (stored !== undefined) return stored;
  await writeOnce(path, await generate());
  return readFile(path, "utf8");
}

/** 192 random bits that need no escaping in a URL or a configuration file. */
export function randomPassword(): string {
  return randomBytes(24).toString("base64url");
}

/** An empty file is what is left of a full disk or a bad copy. A new secret would lock out what the old one protects. */
async function read(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text?.trim() === "") throw new Error(`The secret in ${path} is empty. Restore the file from a backup.`);
  return text?.trim();
}

// link() fails if the name exists, while rename() would replace the secret of another process. Both are atomic.
async function writeOnce(path: string, secret: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeSynced(draft, secret);
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
