import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "../../lib/config/config.ts";

export interface ChildSpec {
  /** As in SERVICES. */
  readonly service: string;
  /** `users-1`: for output, logs and tests. */
  readonly name: string;
  readonly env: Environment;
  /** The folder of a release to run. Default: the sources. */
  readonly release?: string | undefined;
  /** Called when the process exits without having been stopped. */
  readonly onExit: (name: string, how: string) => void;
}

export interface Child {
  readonly service: string;
  readonly name: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");
/** A mesh starts all its processes at once: ten took 40 s on a machine with two busy cores. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 15_000;
/**
 * A small young generation and a bound of the old one. Without them V8 lets 150 MB of garbage pile up in a gateway under load
 * (408 MB resident, 175 MB with them). The same values are in package.json and the Dockerfile.
 */
export const HEAP_OPTIONS = ["--max-semi-space-size=8", "--max-old-space-size=256"];

/** Starts a node as a child process; resolves when it is ready. It stops when its IPC channel closes, so it never outlives us. */
export async function startChild({ service, name, env, release, onExit: onDeath }: ChildSpec): Promise<Child> {
  const program = release === undefined ? "scripts/node.ts" : "scripts/node.js";
  const child = spawn(process.execPath, [...HEAP_OPTIONS, "--require", "./scripts/environment.cjs", program], {
    cwd: release ?? root,
    env: { ...env, SERVICES: service },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // In its own process group: Ctrl-C must not reach it, since the mesh stops its nodes in order.
    detached: true,
  });
  let stopping = false;
  const exited = once(child, "exit") as Promise<[code: number | null, signal: string | null]>;
  const stop = async () => {
    stopping = true;
    await terminate(child, exited);
  };
  try {
    await waitUntilReady(child, name, exited);
  } catch (error) {
    await stop();
    throw error;
  }
  void exited.then(
    ([code, signal]) => !stopping && onDeath(name, signal ? `was ended by ${signal}` : `exited with code ${code}`),
  );
  return { service, name, process: child, stop };
}

async function waitUntilReady(child: ChildProcess, name: string, exited: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const outcome = await Promise.race([
    once(child, "message", timer).then(() => "ready"),
    exited.then(() => "exited"),
    delay(START_TIMEOUT_MS, "late", timer),
  ]).finally(() => timer.abort());
  if (outcome === "exited") throw new Error(`${name} exited during its start. Its output is above.`);
  if (outcome === "late") throw new Error(`${name} is not ready after ${START_TIMEOUT_MS / 1_000} s.`);
}

async function terminate(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = new AbortController();
  child.kill("SIGTERM");
  // A process that is paused by SIGSTOP does not handle SIGTERM.
  child.kill("SIGCONT");
  const late = await Promise.race([exited.then(() => false), delay(STOP_TIMEOUT_MS, true, timer).catch(() => false)]);
  timer.abort();
  if (late) child.kill("SIGKILL");
  await exited;
}
