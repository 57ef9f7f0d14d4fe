import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export interface TestRun {
  /** The folder for everything temporary. */
  readonly dir: string;
  /** In memory, if there is enough of it. */
  readonly databaseDir: string;
  end(): Promise<void>;
}

/** A run inside of another one, such as the test of the benchmark, leaves nothing outside of it either. */
const memory = () => process.env.TEST_MEMORY_DIR ?? "/dev/shm";
const GIGABYTE = 2 ** 30;

/**
 * Makes temporary folders for this process and its children, and starts a supervisor: when this process ends, however it is
 * killed, the supervisor ends every process that works in the folders and deletes them.
 */
export async function startTestRun(): Promise<TestRun> {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-test-run-"));
  await chmod(dir, 0o755); // if we are root, PostgreSQL runs under another account
  const databaseDir = join((await hasMemory()) ? memory() : dir, basename(dir));
  await mkdir(databaseDir);
  await chmod(databaseDir, 0o755);
  const supervisor = spawn(process.execPath, [join(import.meta.dirname, "supervisor.ts"), dir, databaseDir], {
    detached: true, // Ctrl-C in a terminal must not end it before the others
    env: { PATH: process.env.PATH },
    stdio: ["pipe", "ignore", "inherit"],
  });
  supervisor.unref();
  const { TMPDIR, TEST_MEMORY_DIR } = process.env;
  Object.assign(process.env, { TMPDIR: dir, TEST_MEMORY_DIR: databaseDir });
  return {
    ...{ dir, databaseDir },
    async end() {
      for (const [name, before] of Object.entries({ TMPDIR, TEST_MEMORY_DIR })) {
        if (before === undefined) delete process.env[name];
        else process.env[name] = before;
      }
      const ended = once(supervisor, "exit");
      supervisor.ref();
      supervisor.stdin.end();
      await ended;
    },
  };
}

/** A run of all tests keeps up to two gigabytes there. Its servers and browsers need as much again. */
async function hasMemory(): Promise<boolean> {
  const { bavail, bsize } = await statfs(memory()).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > 4 * GIGABYTE && process.availableMemory() > 8 * GIGABYTE;
}
