import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";

/** The folder's real path; made with mode 0700 where it is missing. */
export async function privateDir(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return realpath(path);
}

/** The secret `name` that is kept in `dataDir` (mode 0600). The first caller makes it; of several at once one wins, and all get his. */
export async function persistentSecret(
  dataDir: string,
  name: string,
  generate: () => string | Promise<string>,
): Promise<string> {
  const path = join(await privateDir(dataDir), name);
  const kept = await read(path);
  if (kept !== undefined) return kept;
  await writeOnce(path, await generate());
  return readFile(path, "utf8");
}

/** 192 random bits that need no escaping in a URL or a config file. */
export function randomPassword(): string {
  return randomBytes(24).toString("base64url");
}

async function read(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

// link() fails where the name is taken and shows the whole file or nothing: rename() would replace another's secret.
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
