import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, chown, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { stopLeftover } from "./leftover.ts";
import type { PostgresPrograms } from "./postgres-programs.ts";
import type { Account, ServerLog } from "./processes.ts";

export interface Cluster {
  readonly data: string;
  readonly programs: PostgresPrograms;
  readonly account: Account | undefined;
  readonly owner: string;
  readonly password: string;
  readonly log: ServerLog;
}

/** Fast shutdown; then immediate shutdown, which the next start recovers from; then SIGKILL. */
export const POSTGRES_STOP_SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT", "SIGKILL"];

// With LC_CTYPE=C pg_trgm ignores all letters outside ASCII, so a search would not find Наталья. Collation is C.UTF-8.
const CTYPES = ["C.UTF-8", "en_US.UTF-8", "UTF-8", "C"];
const run = promisify(execFile);

/** Creates the data folder if it is missing. An interrupted start leaves only a draft, which the next one removes. */
export async function ensureCluster(cluster: Cluster): Promise<void> {
  if (await isInitialised(cluster.data)) return;
  await removeDrafts(cluster.data);
  const draft = `${cluster.data}.draft-${randomBytes(4).toString("hex")}`;
  await mkdir(draft, { mode: 0o700 });
  await changeOwner(draft, cluster.account);
  await initialise(cluster, draft);
  await rename(draft, cluster.data);
}

/** Stops a postmaster that outlived its usermesh, and makes a stale pid file harmless. */
export async function stopLeftoverPostmaster(data: string, log: ServerLog): Promise<void> {
  const pidFile = join(data, "postmaster.pid");
  await stopLeftover({ name: "PostgreSQL", pidFile, args: `-D ${data}`, log, signals: POSTGRES_STOP_SIGNALS });
  await neutralizePidFile(pidFile);
}

function isInitialised(data: string): Promise<boolean> {
  return access(join(data, "PG_VERSION")).then(
    () => true,
    () => false,
  );
}

async function removeDrafts(data: string): Promise<void> {
  const drafts = (await readdir(dirname(data))).filter((name) => name.startsWith(`${basename(data)}.draft-`));
  for (const name of drafts) await rm(join(dirname(data), name), { recursive: true, force: true });
}

async function initialise(cluster: Cluster, draft: string): Promise<void> {
  const passwordFile = `${draft}.password`;
  await writeFile(passwordFile, cluster.password, { mode: 0o600 });
  await changeOwner(passwordFile, cluster.account);
  try {
    await initdb(cluster, draft, passwordFile);
  } finally {
    await rm(passwordFile);
  }
}

async function initdb(cluster: Cluster, draft: string, passwordFile: string, ctypes = CTYPES): Promise<void> {
  const [ctype, ...others] = ctypes;
  const args = [`--pgdata=${draft}`, `--username=${cluster.owner}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const locale = [
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    `--lc-ctype=${ctype}`,
  ];
  try {
    await run(cluster.programs.initdb, [...args, ...locale], {
      ...cluster.account,
      cwd: "/",
      env: { LC_ALL: "C", TZ: "UTC" },
    });
  } catch (error) {
    if (others.length === 0 || !/invalid locale name/.test(String(error))) throw error;
    await initdb(cluster, draft, passwordFile, others);
  }
}

// PostgreSQL does not start while any process has the pid in its file, and after a kill that may be an unrelated one.
// Deleting the file would hide the shared memory that it names, by which PostgreSQL knows whether old backends still
// write. It ignores the pid of its parent, which is ours.
async function neutralizePidFile(pidFile: string): Promise<void> {
  const text = await readFile(pidFile, "utf8").catch(() => undefined);
  if (text === undefined) return;
  if (/^\d+\n/.test(text)) await writeFile(pidFile, text.replace(/^\d+/, String(process.pid)));
  else await rm(pidFile);
}

async function changeOwner(path: string, account: Account | undefined): Promise<void> {
  if (account) await chown(path, account.uid, account.gid);
}
