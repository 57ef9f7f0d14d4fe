import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Report {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly error?: string;
}

export interface Launched extends Report {
  readonly child: ChildProcess;
}

/** Another usermesh, in a process group of its own like one started from a terminal. */
export async function launch(script: string, ...args: string[]): Promise<Launched> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { detached: true, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) return { child, ...(JSON.parse(line) as Report) };
  throw new Error("it ended without a word");
}

export async function killGroup({ child }: Launched): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  process.kill(-(child.pid as number), "SIGKILL");
  await gone;
}
