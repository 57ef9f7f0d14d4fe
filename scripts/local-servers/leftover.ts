import { readFile } from "node:fs/promises";
import { commandLine, type ServerLog, terminate } from "./processes.ts";

interface Leftover {
  readonly name: string;
  readonly pidFile: string;
  /** Arguments that only this server on these data has: its pid may have been reused. */
  readonly args: string;
  readonly log: ServerLog;
  readonly signals?: readonly NodeJS.Signals[];
}

const STOP_TIMEOUT_MS = 15_000;

/** Stops the server that a killed usermesh left behind on these data: two servers on one folder corrupt it. */
export async function stopLeftover({
  name,
  pidFile,
  args,
  log,
  signals = ["SIGTERM", "SIGKILL"],
}: Leftover): Promise<void> {
  const pid = await readPid(pidFile);
  const isGone = (): boolean => pid === undefined || !commandLine(pid).includes(` ${args} `);
  if (pid === undefined || isGone()) return;
  log.warn({ server: name, pid }, "stopping a server that a killed usermesh left running");
  const stopped = await terminate({
    kill: (signal) => sendSignal(pid, signal),
    isGone,
    signals,
    timeout: STOP_TIMEOUT_MS,
  });
  if (!stopped) throw new Error(`${name} of an earlier run, pid ${pid}, does not stop; stop it by hand`);
}

async function readPid(file: string): Promise<number | undefined> {
  const text = await readFile(file, "utf8").catch(() => "");
  const pid = Number.parseInt(text, 10);
  return pid > 1 ? pid : undefined;
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
