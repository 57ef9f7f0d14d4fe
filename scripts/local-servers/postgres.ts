import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { acquireLock, type Lock } from "./lock.ts";
import { startOnFreePort } from "./ports.ts";
import { ensureCluster, POSTGRES_STOP_SIGNALS, stopLeftoverPostmaster } from "./postgres-cluster.ts";
import { findHome, type PostgresHome } from "./postgres-home.ts";
import { type ServerLog, type ServerProcess, startServer } from "./processes.ts";
import { persistentSecret, privateDir, randomPassword } from "./secrets.ts";

export interface PostgresOptions {
  readonly dataDir: string;
  readonly log: ServerLog;
  /** Of postgresql.conf; they override the usual ones. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly port?: number | undefined;
  /** For root: where the data go if PostgreSQL's account can't enter `dataDir`. */
  readonly shared?: string | undefined;
}

export interface EmbeddedPostgres {
  /** URL of the database `usermesh`, with the credentials of its owner. */
  readonly url: string;
  readonly port: number;
  /** Of the postmaster. */
  readonly pid: number;
  /** The actual location of the data. */
  readonly dataDir: string;
  stop(): Promise<void>;
}

const NAME = "usermesh";
const SHARED_MEMORY_TIMEOUT_MS = 30_000;

/**
 * Starts a PostgreSQL server for this process: on loopback, on a free port, with its data in `dataDir`. Cleans up after
 * a killed process. Rejects with a one-line message if another usermesh runs on the same folder.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = await privateDir(options.dataDir);
  const lock = acquireLock(dataDir, "postgres");
  try {
    return await startLocked({ ...options, dataDir }, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startLocked(options: PostgresOptions, lock: Lock): Promise<EmbeddedPostgres> {
  const { dataDir, log, shared = "/var/lib/usermesh" } = options;
  const password = await persistentSecret(dataDir, "postgres-password", randomPassword);
  const home = await findHome({ dataDir, log, shared });
  await stopLeftoverPostmaster(home.data, log);
  await ensureCluster({ ...home, owner: NAME, password, log });
  const { port, server } = await startOnFreePort(options.port, async (port) => ({
    port,
    server: await serve(home, port, options),
  }));
  const url = `postgres://${NAME}:${password}@127.0.0.1:${port}/${NAME}`;
  await ensureDatabase(url, server);
  return { url, port, pid: server.pid, dataDir: home.data, stop: () => server.stop().finally(lock.release) };
}

// Backends of a killed postmaster exit by themselves, busy ones when their statement is done. And a postmaster that was
// starting when its usermesh was killed may write its pid file only now.
async function serve(home: PostgresHome, port: number, options: PostgresOptions): Promise<ServerProcess> {
  const deadline = performance.now() + SHARED_MEMORY_TIMEOUT_MS;
  for (;;) {
    try {
      return await startServer(postmasterSpec(home, port, options));
    } catch (error) {
      if (!isInUse(error) || performance.now() > deadline) throw error;
      await stopLeftoverPostmaster(home.data, options.log);
      await delay(100);
    }
  }
}

function postmasterSpec({ data, programs, account }: PostgresHome, port: number, { log, settings }: PostgresOptions) {
  return {
    name: "PostgreSQL",
    command: programs.postgres,
    args: ["-D", data, "-p", String(port), ...settingArgs({ ...usualSettings, ...settings })],
    ready: /database system is ready to accept connections/,
    log,
    account,
    startTimeout: 120_000, // crash recovery takes time
    stopSignals: POSTGRES_STOP_SIGNALS,
  };
}

const usualSettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  password_encryption: "scram-sha-256",
  max_connections: "200",
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  timezone: "UTC",
  lc_messages: "C", // the ready line is parsed
  log_timezone: "UTC",
  log_error_verbosity: "terse", // DETAIL lines quote rows, with email addresses and names
  log_min_error_statement: "panic",
};

/** On the command line, where no file of the data folder can change them. */
function settingArgs(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

function isInUse(error: unknown): boolean {
  return /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(String(error));
}

async function ensureDatabase(url: string, server: ServerProcess): Promise<void> {
  const client = new pg.Client({ connectionString: url.replace(/[^/]+$/, "postgres") });
  client.on("error", () => undefined); // the running query rejects as well
  try {
    await client.connect();
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [NAME]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${NAME}`);
  } catch (error) {
    await server.stop();
    throw error;
  } finally {
    await client.end();
  }
}
