import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestRun {
  /** The folder for everything temporary. */
  readonly dir: string;
  end(): Promise<void>;
}

/**
 * Makes a temporary folder for this process and its children, and starts a supervisor: when this process ends, however it is
 * killed, the supervisor ends every process that works in the folder and deletes it.
 */
export async function startTestRun(): Promise<TestRun> {
  const dir = await mkdtemp(join(tmpdir(), "usermesh-test-run-"));
  await chmod(dir, 0o755); // if we are root, PostgreSQL runs under another account
  const supervisor = spawn(process.execPath, [join(import.meta.dirname, "supervisor.ts"), dir], {
    detached: true, // Ctrl-C in a terminal must not end it before the others
    env: { PATH: process.env.PATH },
    stdio: ["pipe", "ignore", "inherit"],
  });
  supervisor.unref();
  const { TMPDIR: before } = process.env;
  process.env.TMPDIR = dir;
  return {
    dir,
    async end() {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      const ended = once(supervisor, "exit");
      supervisor.ref();
      supervisor.stdin.end();
      await ended;
    },
  };
}
