import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { stopLeftover } from "./leftover.ts";
import { acquireLock, type Lock } from "./lock.ts";
import { startOnFreePort } from "./ports.ts";
import { findExecutable, type ServerLog, startServer } from "./processes.ts";
import { persistentSecret, privateDir, randomPassword } from "./secrets.ts";

export interface NatsOptions {
  readonly dir: string;
  readonly log: ServerLog;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

export interface EmbeddedNats {
  /** Including the credentials. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

interface NatsSettings {
  readonly command: string;
  readonly dir: string;
  readonly log: ServerLog;
  readonly user: string;
  readonly password: string;
}

const run = promisify(execFile);

/** Starts nats-server with JetStream on loopback; its streams and credentials are stored in `dir`. */
export async function startNats({ dir, log, port, user = "usermesh", password }: NatsOptions): Promise<EmbeddedNats> {
  const command = findExecutable("nats-server");
  if (!command) throw new Error("nats-server is not installed: apt-get install nats-server, or set NATS_URL");
  const home = await privateDir(dir);
  const lock = acquireLock(home, "nats");
  try {
    const secret = password ?? (await persistentSecret(home, "nats-password", randomPassword));
    const settings = { command, dir: home, log, user, password: secret };
    await stopLeftover({ name: "nats-server", pidFile: pidFile(home), args: `-c ${configFile(home)}`, log });
    return await startOnFreePort(port, (free) => serve(settings, free, lock), await lastPort(home));
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function serve(settings: NatsSettings, port: number, lock: Lock): Promise<EmbeddedNats> {
  const { command, dir, log, user, password } = settings;
  await writeSupportedConfig(settings, port);
  const server = await startServer({
    name: "nats-server",
    command,
    args: ["-c", configFile(dir)],
    ready: /Server is ready/,
    log,
  });
  const url = `nats://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
  return { url, port, pid: server.pid, stop: () => server.stop().finally(lock.release) };
}

/** The port of the latest start in this folder. */
async function lastPort(dir: string): Promise<number | undefined> {
  const config = await readFile(configFile(dir), "utf8").catch(() => "");
  const [, port] = /^listen: "127\.0\.0\.1:(\d+)"/m.exec(config) ?? [];
  return port === undefined ? undefined : Number(port);
}

// Without `sync_interval: always` (since 2.10), a message acknowledged up to two minutes before a power failure is lost.
async function writeSupportedConfig(settings: NatsSettings, port: number): Promise<void> {
  await writeConfig(settings, port, "sync_interval: always");
  const accepted = await run(settings.command, ["-t", "-c", configFile(settings.dir)]).then(
    () => true,
    () => false,
  );
  if (!accepted) await writeConfig(settings, port, "");
}

async function writeConfig({ dir, user, password }: NatsSettings, port: number, durability: string): Promise<void> {
  const config = [
    `listen: "127.0.0.1:${port}"`,
    `pid_file: ${JSON.stringify(pidFile(dir))}`,
    `jetstream { store_dir: ${JSON.stringify(join(dir, "streams"))}, ${durability} }`,
    `authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(password)} }`,
  ];
  await writeFile(configFile(dir), `${config.join("\n")}\n`, { mode: 0o600 });
}

const configFile = (dir: string): string => join(dir, "nats-server.conf");
const pidFile = (dir: string): string => join(dir, "nats-server.pid");
