import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

export interface ServerLog {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Matches the line of its output after which it serves. */
  readonly ready: RegExp;
  readonly log: ServerLog;
  readonly account?: Account | undefined;
  readonly startTimeout?: number;
  /** Sent in turn, each if the previous one had no effect within `stopTimeout` milliseconds. */
  readonly stopSignals?: readonly NodeJS.Signals[];
  readonly stopTimeout?: number;
}

export interface ServerProcess {
  readonly pid: number;
  stop(): Promise<void>;
}

interface ServerChild {
  readonly process: ChildProcess;
  /** Resolves to a description of its end, never rejects. */
  readonly ended: Promise<string>;
  readonly lastLines: readonly string[];
  readonly ready: Promise<void>;
  stopping?: Promise<boolean>;
}

const LAST_LINES = 20;
const STOP_SIGNALS: readonly NodeJS.Signals[] = ["SIGTERM", "SIGKILL"];
const EXTRA_PATHS = ["/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/opt/homebrew/bin"];
const running = new Set<() => unknown>();

process.once("exit", () => {
  for (const end of running) end();
});

/** Starts a server program and waits until it serves. If it doesn't, the error contains its last lines of output. */
export async function startServer(spec: ServerSpec): Promise<ServerProcess> {
  const child = launch(spec);
  const stop = createStop(spec, child);
  try {
    await waitUntilReady(spec, child);
  } catch (error) {
    await stop();
    throw error;
  }
  logUnexpectedExit(spec, child);
  return { pid: child.process.pid as number, stop };
}

/** Sends the signals in turn until the process is gone; resolves to whether it is. */
export async function terminate({
  kill,
  isGone,
  signals,
  timeout,
}: {
  kill: (signal: NodeJS.Signals) => void;
  isGone: () => boolean;
  signals: readonly NodeJS.Signals[];
  timeout: number;
}): Promise<boolean> {
  for (const signal of signals) {
    if (isGone()) return true;
    kill(signal);
    await waitFor(isGone, timeout);
  }
  return isGone();
}

/** The command line of a process, followed by a space; empty if it is gone, or dead and not yet reaped. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return `${execFileSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" }).trim()} `;
  } catch {
    return "";
  }
}

/** Finds a program in PATH and in folders of servers that PATH often lacks. */
export function findExecutable(name: string, path: string = process.env.PATH ?? ""): string | undefined {
  const folders = [...path.split(delimiter).filter((folder) => folder !== ""), ...EXTRA_PATHS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

// In a process group of its own, so that Ctrl-C in a terminal does not stop a server before its clients.
// With a minimal environment: ours contains secrets, and settings like PGPORT that are not meant for it.
function launch({ name, command, args, ready, log, account }: ServerSpec): ServerChild {
  const child = spawn(command, args, {
    ...account,
    cwd: "/",
    detached: true,
    env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lastLines: string[] = [];
  const isReady = new Promise<void>((resolve) => {
    onLine(child, (line) => {
      log.debug({ server: name }, line);
      lastLines.push(line);
      if (lastLines.length > LAST_LINES) lastLines.shift();
      if (ready.test(line)) resolve();
    });
  });
  return { process: child, ended: describeExit(child), lastLines, ready: isReady };
}

function onLine(child: ChildProcess, listener: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on("line", listener);
  }
}

// "close" follows the last output, but not while a grandchild holds the pipe open, so the wait for it is limited.
function describeExit(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", async (code, signal) => {
      await Promise.race([once(child, "close"), delay(200)]);
      resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`);
    });
  });
}

async function waitUntilReady({ name, startTimeout = 30_000 }: ServerSpec, child: ServerChild): Promise<void> {
  const timer = new AbortController();
  const failure = await Promise.race([
    child.ready,
    child.ended,
    delay(startTimeout, `is not ready after ${startTimeout / 1000} s`, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
  if (failure !== undefined) throw new Error([`${name} ${failure}`, ...child.lastLines].join("\n  "));
}

function createStop(
  { name, log, stopSignals = STOP_SIGNALS, stopTimeout = 10_000 }: ServerSpec,
  child: ServerChild,
): () => Promise<void> {
  const kill = (signal: NodeJS.Signals | undefined): unknown => child.process.kill(signal);
  const endNow = (): unknown => kill(stopSignals[0]);
  running.add(endNow);
  void child.ended.then(() => running.delete(endNow));
  return async () => {
    child.stopping ??= terminate({
      kill,
      isGone: () => isGone(child.process),
      signals: stopSignals,
      timeout: stopTimeout,
    });
    if (!(await child.stopping)) log.error({ server: name, pid: child.process.pid }, "server does not stop");
  };
}

function logUnexpectedExit({ name, log }: ServerSpec, child: ServerChild): void {
  void child.ended.then((how) => {
    if (!child.stopping)
      log.error({ server: name, exit: how, lastLines: child.lastLines }, "server stopped unexpectedly");
  });
}

function isGone({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

async function waitFor(condition: () => boolean, timeout: number): Promise<void> {
  const deadline = performance.now() + timeout;
  while (!condition() && performance.now() < deadline) await delay(10);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
