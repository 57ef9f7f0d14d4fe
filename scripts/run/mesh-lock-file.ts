import { readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { privateDir } from "../local-servers/secrets.ts";

const FILE = "mesh.json";
const PROBE_TIMEOUT_MS = 1_000;

/** A running `npm run mesh` or `npm start`, for commands that join it. */
export interface LocalMesh {
  /** `npm run mesh`, `npm start`. */
  readonly command: string;
  /** Of NATS, or `unix:<path>` of the socket of `npm start`. */
  readonly bus: string;
  /** What a further node needs to join, such as DATABASE_URL. */
  readonly env: Readonly<Record<string, string>>;
}

/** Records the running mesh. The file contains passwords: mode 0600. */
export async function writeMeshLockFile(dataDir: string, mesh: LocalMesh): Promise<() => Promise<void>> {
  const path = join(await privateDir(dataDir), FILE);
  await rm(path, { force: true });
  await writeFile(path, JSON.stringify(mesh), { mode: 0o600 });
  return () => rm(path, { force: true });
}

/** A mesh that was killed leaves its file behind, so its bus is probed. */
export async function findLocalMesh(dataDir: string): Promise<LocalMesh | undefined> {
  const text = await readFile(join(dataDir, FILE), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const mesh = JSON.parse(text) as LocalMesh;
  return (await isOpen(mesh.bus)) ? mesh : undefined;
}

async function isOpen(bus: string): Promise<boolean> {
  const isSocket = bus.startsWith("unix:");
  const url = new URL(bus);
  const timeout = PROBE_TIMEOUT_MS;
  const socket = connect(
    isSocket ? { path: url.pathname, timeout } : { host: url.hostname, port: Number(url.port), timeout },
  );
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  socket.once("timeout", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
