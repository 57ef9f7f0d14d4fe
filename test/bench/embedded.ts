import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "../../scripts/local-servers/ports.ts";
import { end } from "./children.ts";

export interface OneProcess {
  readonly url: string;
  readonly pid: number;
  /** From the start of the process to its readiness. */
  readonly startMs: number;
  stop(): Promise<void>;
}

const TIMEOUT_MS = 60_000;

/** `npm start` as a process of its own. Resolves when it is ready. */
export async function startOneProcess(env: Readonly<Record<string, string>>): Promise<OneProcess> {
  const port = await findFreePort();
  const began = performance.now();
  const { scripts } = JSON.parse(await readFile("package.json", "utf8"));
  const [, ...args] = scripts.start.split(" ") as string[];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH ?? "", APP_PORT: String(port), LOG_LEVEL: "fatal", ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  await ready(url, child);
  return { url, pid: child.pid ?? 0, startMs: performance.now() - began, stop: () => end(child) };
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
