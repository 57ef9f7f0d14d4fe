import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Load, Measured } from "./load.ts";

const here = import.meta.dirname;

/** A process of test/bench/limits.ts and the first thing it says. */
export async function startLimit<T>(
  started: AsyncDisposableStack,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const child = fork(join(here, "limits.ts"), [...args], { env: { ...process.env, ...env } });
  started.defer(() => end(child));
  const [said] = await once(child, "message");
  return said as T;
}

export interface Generator {
  run(load: Load): Promise<Measured>;
}

/** One process for all load, so that all are measured by the same. */
export function startGenerator(started: AsyncDisposableStack): Generator {
  const child = fork(join(here, "load.ts"));
  started.defer(() => end(child));
  return {
    async run(load) {
      child.send(load);
      const [measured] = (await once(child, "message")) as [Measured];
      if (measured.failed > 0) throw new Error(`${measured.failed} answers of ${load.path} were not 200`);
      return measured;
    },
  };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}

/**
 * Keeps all cores busy with work of the lowest priority. A virtual core without work is halted, and waking it takes up to
 * 50 µs: a server pays that for each response that it sends to a waiting client, the slower of two servers more often.
 */
export function keepCoresAwake(): Disposable {
  const program = "os.setPriority(os.constants.priority.PRIORITY_LOW); for (;;);";
  const children = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["--eval", program], { stdio: "ignore" }),
  );
  return {
    [Symbol.dispose]() {
      for (const child of children) child.kill();
    },
  };
}

export interface Memory {
  readonly residentMegabytes: number;
  /** Not shared with other processes, such as the code of Node.js. */
  readonly privateMegabytes: number;
}

export async function memoryOf(pid: number): Promise<Memory> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const megabytes = (name: RegExp) =>
    [...rollup.matchAll(name)].reduce((sum, [, kilobytes]) => sum + Number(kilobytes) / 1_024, 0);
  return {
    residentMegabytes: megabytes(/^Rss:\s+(\d+)/gm),
    privateMegabytes: megabytes(/^Private_(?:Clean|Dirty):\s+(\d+)/gm),
  };
}

/** Of Linux: hundredths of a second (proc(5)). */
const TICKS = 100;

/** User and system time of these processes so far, in seconds. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const spent = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is a name in brackets, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  });
  return (await Promise.all(spent)).reduce((sum, seconds) => sum + seconds, 0);
}
