import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chmod, chown, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { stopLeftoverPostmaster } from "./postgres-cluster.ts";
import { findPrograms, type PostgresPrograms } from "./postgres-programs.ts";
import type { Account, ServerLog } from "./processes.ts";

/** The location of the data, and the account that runs PostgreSQL on it. */
export interface PostgresHome {
  readonly data: string;
  readonly programs: PostgresPrograms;
  /** The account that root switches to: PostgreSQL refuses to run as root. */
  readonly account: Account | undefined;
}

interface HomeOptions {
  readonly dataDir: string;
  readonly log: ServerLog;
  /** For root: where the data go if PostgreSQL's account can't enter `dataDir`. */
  readonly shared: string;
}

const ACCOUNT_NAMES = ["usermesh", "postgres", "_postgres"];
const LOCATION_FILE = "postgres-data-location.txt";
const OWNER_FILE = "data-dir.txt";
const run = promisify(execFile);

export function findHome(options: HomeOptions): Promise<PostgresHome> {
  return process.getuid?.() === 0 ? homeForRoot(options) : homeForUser(options);
}

async function homeForUser({ dataDir }: HomeOptions): Promise<PostgresHome> {
  const data = join(dataDir, "postgres");
  const owner = await ownerOf(data);
  if (owner && owner.uid !== process.getuid?.()) {
    throw new Error(`the data in ${data} belong to user id ${owner.uid}; run as that user or root, or set DATA_DIR`);
  }
  return { data, account: undefined, programs: await findPrograms({ account: undefined, copies: dataDir }) };
}

async function homeForRoot(options: HomeOptions): Promise<PostgresHome> {
  const { dataDir, shared } = options;
  const recorded = await readFirstLine(join(dataDir, LOCATION_FILE));
  const owner = (await ownerOf(join(dataDir, "postgres"))) ?? (recorded && (await ownerOf(join(recorded, "postgres"))));
  const account = owner || (await findOrCreateAccount());
  const isHere = recorded === undefined && (await grantEntry(dataDir, account));
  if (!isHere) await assertNoData(dataDir, account);
  const folder = isHere ? dataDir : await useSharedFolder(options, account, recorded);
  const data = join(folder, "postgres");
  await changeOwnerFromRoot(data, account);
  return { data, account, programs: await findPrograms({ account, copies: shared }) };
}

// Data copied by root belong to root.
async function changeOwnerFromRoot(data: string, { uid, gid }: Account): Promise<void> {
  const found = await stat(data).catch(() => undefined);
  if (found?.uid === 0) await run("chown", ["-R", `${uid}:${gid}`, data]);
}

async function assertNoData(dataDir: string, account: Account): Promise<void> {
  if (!(await ownerOf(join(dataDir, "postgres")))) return;
  throw new Error(
    `user id ${account.uid}, which owns ${dataDir}/postgres, can't enter it; allow access or set DATA_DIR`,
  );
}

/** A folder in `shared` for these data. It follows a `dataDir` that was moved; a copied or emptied one gets a new folder. */
async function useSharedFolder(
  { dataDir, shared, log }: HomeOptions,
  account: Account,
  recorded: string | undefined,
): Promise<string> {
  const place = join(shared, createHash("sha256").update(dataDir).digest("hex").slice(0, 16));
  if (recorded !== place) await abandon(place, log);
  if (recorded !== undefined && recorded !== place && (await hasMoved(recorded)))
    await moveCluster(recorded, place, log);
  await mkdir(place, { recursive: true });
  await chmod(shared, 0o755); // whatever the umask
  if (!(await grantEntry(place, account))) throw new Error(`user id ${account.uid} can't enter ${place}`);
  await writeFile(join(place, OWNER_FILE), dataDir);
  await writeFile(join(dataDir, LOCATION_FILE), `${place}\n\n${EXPLANATION}\n`);
  log.info({ dataDir, place }, "data stored outside DATA_DIR, which PostgreSQL's account can't enter");
  return place;
}

const EXPLANATION = `PostgreSQL refuses to run as root, and the account that runs it can't enter this folder.
Its data are in the folder named above. To start with an empty database, delete both folders.`;

// DATA_DIR was emptied to start over. The data outside of it are kept, but not used.
async function abandon(place: string, log: ServerLog): Promise<void> {
  if (!(await exists(place))) return;
  const aside = `${place}.abandoned-${Date.now()}`;
  await moveCluster(place, aside, log);
  log.warn({ aside }, "data of a former DATA_DIR kept; delete them if you don't need them");
}

async function hasMoved(place: string): Promise<boolean> {
  const owner = await readFirstLine(join(place, OWNER_FILE));
  return owner !== undefined && !(await exists(join(owner, LOCATION_FILE)));
}

async function moveCluster(from: string, to: string, log: ServerLog): Promise<void> {
  await stopLeftoverPostmaster(join(from, "postgres"), log);
  await rename(from, to);
}

// The group may traverse the folder, but not list it: the secrets beside the data stay readable to root only.
async function grantEntry(folder: string, account: Account): Promise<boolean> {
  if (await canEnter(folder, account)) return true;
  if (!(await canEnter(dirname(folder), account))) return false;
  await chown(folder, -1, account.gid);
  await chmod(folder, ((await stat(folder)).mode & 0o7700) | 0o010);
  return canEnter(folder, account);
}

async function canEnter(folder: string, account: Account): Promise<boolean> {
  return run("/bin/sh", ["-c", 'cd "$1"', "sh", folder], { ...account, cwd: "/" }).then(
    () => true,
    () => false,
  );
}

async function findOrCreateAccount(): Promise<Account> {
  const known = await findAccount(ACCOUNT_NAMES);
  if (known) return known;
  await run("useradd", [
    "--system",
    "--user-group",
    "--no-create-home",
    "--home-dir",
    "/nonexistent",
    "--shell",
    "/usr/sbin/nologin",
    "usermesh",
  ]).catch(() => undefined);
  const created = await findAccount(["usermesh"]);
  if (created) return created;
  throw new Error(
    'PostgreSQL refuses to run as root, and no account could be created for it: run "useradd --system usermesh", run as another user, or set DATABASE_URL',
  );
}

async function findAccount(names: readonly string[]): Promise<Account | undefined> {
  for (const name of names) {
    const uid = await idOf("-u", name);
    const gid = await idOf("-g", name);
    if (uid && gid) return { uid, gid };
  }
  return undefined;
}

async function idOf(which: "-u" | "-g", name: string): Promise<number | undefined> {
  return run("id", [which, name]).then(
    ({ stdout }) => Number(stdout),
    () => undefined,
  );
}

/** The owner of existing data, unless it is root. */
async function ownerOf(data: string): Promise<Account | undefined> {
  const found = await stat(data).catch(() => undefined);
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined;
}

/** The first line of a file. */
async function readFirstLine(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").then(
    (text) => text.split("\n", 1)[0],
    () => undefined,
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
