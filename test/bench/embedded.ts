import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { end } from "./children.ts";

export interface OneProcess {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process to its readiness. */
  readonly startMs: number;
  /** Bytes allocated on the JavaScript heap during the work. */
  allocatedBy(work: () => Promise<unknown>): Promise<number>;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 60_000;

/** `npm start` as a process of its own. Resolves when it is ready. */
export async function startOneProcess(env: Readonly<Record<string, string>>): Promise<OneProcess> {
  const port = await findFreePort();
  const began = performance.now();
  const { scripts } = JSON.parse(await readFile("package.json", "utf8"));
  const [, ...args] = scripts.start.split(" ") as string[];
  const child = spawn(process.execPath, ["--require", join(import.meta.dirname, "allocations.cjs"), ...args], {
    env: { PATH: process.env.PATH ?? "", APP_PORT: String(port), LOG_LEVEL: "fatal", ...env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const url = `http://127.0.0.1:${port}`;
  await ready(url, child);
  return {
    url,
    pid: child.pid ?? 0,
    startMs: performance.now() - began,
    async allocatedBy(work) {
      await ask(child, "start");
      await work();
      return ask(child, "stop");
    },
    stop: () => end(child),
  };
}

async function ask(child: ChildProcess, said: "start" | "stop"): Promise<number> {
  const answered = once(child, "message");
  child.send(said);
  return (await answered)[0] as number;
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const until = performance.now() + TIMEOUT_MS;
  while (performance.now() < until && child.exitCode === null) {
    const isReady = await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await sleep(10);
  }
  await end(child);
  throw new Error("Usermesh did not become ready");
}
