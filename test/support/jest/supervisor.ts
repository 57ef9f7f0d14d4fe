import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Started by test-run.ts. Its input ends with the process that started it; then it ends what that process left behind. */
const [, , ...dirs] = process.argv;
/** All folders have this unique name. */
const name = basename(dirs[0] ?? "");
if (name === "") throw new Error("Usage: supervisor.ts FOLDER...");

const GRACE_MS = 5_000;

for await (const _ of process.stdin);
// SIGINT is the fast shutdown of PostgreSQL, which waits for its clients on SIGTERM.
signalAll("SIGINT");
for (const until = performance.now() + GRACE_MS; processesIn(name).length > 0 && performance.now() < until; )
  await sleep(20);
signalAll("SIGKILL");
for (const dir of dirs) await rm(dir, { recursive: true, force: true, maxRetries: 5 });

function signalAll(signal: NodeJS.Signals): void {
  for (const pid of processesIn(name)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Those that have the folder's name in their command line or, as TMPDIR or DATA_DIR, in their environment. */
function processesIn(folder: string): readonly number[] {
  const all = process.platform === "linux" ? processesOfLinux() : processesOfPs();
  return all.filter(([pid, text]) => pid !== process.pid && text.includes(folder)).map(([pid]) => pid);
}

type Process = readonly [pid: number, commandAndEnvironment: string];

function processesOfLinux(): readonly Process[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => [Number(pid), read(`/proc/${pid}/cmdline`) + read(`/proc/${pid}/environ`)]);
}

function processesOfPs(): readonly Process[] {
  const lines = execFileSync("ps", ["axeww", "-o", "pid=,command="], { encoding: "utf8" }).split("\n");
  return lines.map((line) => [Number.parseInt(line, 10), line]);
}

/** Empty for a process that has ended or belongs to another user. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
