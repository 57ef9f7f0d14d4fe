import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "../../lib/config/config.ts";

export interface ChildSpec {
  /** As in SERVICES. */
  readonly service: string;
  /** `users-1`: for people, logs and tests. */
  readonly name: string;
  readonly env: Environment;
  /** Told of an end that nobody asked for. */
  readonly onExit: (name: string, how: string) => void;
}

export interface Child {
  readonly service: string;
  readonly name: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 15_000;

/** Starts one node as a process of its own; resolves when it is ready. Its IPC channel ends with us, and it with the channel. */
export async function startChild({ service, name, env, onExit: onDeath }: ChildSpec): Promise<Child> {
  const child = spawn(process.execPath, ["--require", "./scripts/environment.cjs", "scripts/node.ts"], {
    cwd: root,
    env: { ...env, SERVICES: service },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // Ctrl-C in a terminal reaches the whole group: the order of stopping is ours.
    detached: true,
  });
  let stopping = false;
  const ended = once(child, "exit") as Promise<[code: number | null, signal: string | null]>;
  const stop = async () => {
    stopping = true;
    await terminate(child, ended);
  };
  try {
    await waitUntilReady(child, name, ended);
  } catch (error) {
    await stop();
    throw error;
  }
  void ended.then(
    ([code, signal]) => !stopping && onDeath(name, signal ? `ended by ${signal}` : `ended with code ${code}`),
  );
  return { service, name, process: child, stop };
}

async function waitUntilReady(child: ChildProcess, name: string, ended: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const outcome = await Promise.race([
    once(child, "message", timer).then(() => "ready"),
    ended.then(() => "dead"),
    delay(START_TIMEOUT_MS, "late", timer),
  ]).finally(() => timer.abort());
  if (outcome === "dead") throw new Error(`${name} ended while it started: see above.`);
  if (outcome === "late") throw new Error(`${name} is not ready after ${START_TIMEOUT_MS / 1_000} s.`);
}

async function terminate(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = new AbortController();
  child.kill("SIGTERM");
  // A stopped process (SIGSTOP) takes no SIGTERM.
  child.kill("SIGCONT");
  const late = await Promise.race([ended.then(() => false), delay(STOP_TIMEOUT_MS, true, timer).catch(() => false)]);
  timer.abort();
  if (late) child.kill("SIGKILL");
  await ended;
}
