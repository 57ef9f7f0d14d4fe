import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { privateDir } from "../local-servers/secrets.ts";

const FILE = "mesh-nats-url";

/** Records the NATS URL of the mesh on this machine, for commands that join it. It contains a password: mode 0600. */
export async function writeMeshLockFile(dataDir: string, natsUrl: string): Promise<() => Promise<void>> {
  const path = join(await privateDir(dataDir), FILE);
  await rm(path, { force: true });
  await writeFile(path, natsUrl, { mode: 0o600 });
  return () => rm(path, { force: true });
}

export async function readMeshLockFile(dataDir: string): Promise<string | undefined> {
  return readFile(join(dataDir, FILE), "utf8").catch(() => undefined);
}
