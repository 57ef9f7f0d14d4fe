import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { end, memoryOf } from "../children.ts";

export interface Person {
  readonly email: string;
  readonly password: string;
}

/** One of the systems that are compared. */
export interface Peer {
  readonly name: string;
  readonly url: string;
  /** Path of the session check. */
  readonly path: string;
  /** From the start of the process to its first answer; null for a mesh of many processes. */
  readonly startMs: number | null;
  pids(): Promise<readonly number[]>;
  signUp(person: Person): Promise<Response>;
  signIn(person: Person): Promise<Response>;
  /** Headers of the session that a sign-in has opened. */
  sessionHeaders(signedIn: Response): Promise<Readonly<Record<string, string>>>;
}

/** The body of a response, such as that of a sign-in, which contains the tokens. */
export async function bodyOf<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}

export const postJson = (url: string, body: object): Promise<Response> =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

interface Started {
  readonly child: ChildProcess;
  readonly startMs: number;
}

const TIMEOUT_MS = 30_000;

/** Starts a program and waits until this address answers with any status. */
export async function startServer(
  stack: AsyncDisposableStack,
  command: readonly [string, ...string[]],
  { cwd, env, url }: { readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly url: string },
): Promise<Started> {
  const began = performance.now();
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  stack.defer(() => end(child));
  while (child.exitCode === null && performance.now() - began < TIMEOUT_MS) {
    const answers = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answers) return { child, startMs: performance.now() - began };
    await sleep(10);
  }
  throw new Error(`${command.join(" ")} did not start`);
}

/** The ids of a process and of all processes that it has started. */
export async function pidsOf(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter(Boolean).map(Number);
  return [pid, ...(await Promise.all(children.map(pidsOf))).flat()];
}

export async function megabytesOf(peer: Peer): Promise<number> {
  const memory = await Promise.all((await peer.pids()).map(memoryOf));
  return memory.reduce((sum, { residentMegabytes }) => sum + residentMegabytes, 0);
}
