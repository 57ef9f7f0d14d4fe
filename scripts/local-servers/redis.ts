import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stopLeftover } from "./leftover.ts";
import { acquireLock, type Lock } from "./lock.ts";
import { startOnFreePort } from "./ports.ts";
import { findExecutable, type ServerLog, startServer } from "./processes.ts";
import { persistentSecret, privateDir, randomPassword } from "./secrets.ts";

export interface RedisOptions {
  readonly dir: string;
  readonly log: ServerLog;
  readonly port?: number | undefined;
  readonly password?: string | undefined;
  /** `always`: acknowledged writes survive a power failure as well. */
  readonly appendfsync?: "everysec" | "always" | undefined;
}

export interface EmbeddedRedis {
  /** Including the password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

interface RedisSettings {
  readonly command: string;
  readonly dir: string;
  readonly log: ServerLog;
  readonly password: string;
  readonly appendfsync: string;
}

/** Starts redis-server on loopback, configured for queues: append-only in `dir`, no eviction, with a password. */
export async function startRedis({
  dir,
  log,
  port,
  password,
  appendfsync = "everysec",
}: RedisOptions): Promise<EmbeddedRedis> {
  const command = findExecutable("redis-server");
  if (!command) throw new Error("redis-server is not installed: apt-get install redis-server, or set REDIS_URL");
  const home = await privateDir(dir);
  const lock = acquireLock(home, "redis");
  try {
    const secret = password ?? (await persistentSecret(home, "redis-password", randomPassword));
    const settings = { command, dir: home, log, password: secret, appendfsync };
    await stopLeftover({ name: "redis-server", pidFile: pidFile(home), args: configFile(home), log });
    return await startOnFreePort(port, (free) => serve(settings, free, lock));
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function serve(settings: RedisSettings, port: number, lock: Lock): Promise<EmbeddedRedis> {
  const { command, dir, log, password } = settings;
  await writeConfig(settings, port);
  const server = await startServer({
    name: "redis-server",
    command,
    args: [configFile(dir)],
    ready: /Ready to accept connections/,
    log,
  });
  const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`;
  return { url, port, pid: server.pid, stop: () => server.stop().finally(lock.release) };
}

async function writeConfig({ dir, password, appendfsync }: RedisSettings, port: number): Promise<void> {
  const data = join(dir, "redis");
  await mkdir(data, { recursive: true, mode: 0o700 });
  const config = [
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${JSON.stringify(password)}`,
    `dir ${JSON.stringify(data)}`,
    `pidfile ${JSON.stringify(pidFile(dir))}`,
    "set-proc-title no", // a leftover is recognized by its command line
    "appendonly yes",
    `appendfsync ${appendfsync}`,
    'save ""',
    "maxmemory-policy noeviction",
  ];
  await writeFile(configFile(dir), `${config.join("\n")}\n`, { mode: 0o600 });
}

const configFile = (dir: string): string => join(dir, "redis.conf");
const pidFile = (dir: string): string => join(dir, "redis.pid");
