import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../eventually.ts";
import { toolsFolder } from "./tools.ts";

const PROGRAMS = "docs/guides/programs";

/** The programs of the guides, where they find the packages of test/tools and `@usermesh/client`. */
export async function copyGuidePrograms(started: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(toolsFolder, "generated-"));
  started.defer(() => rm(folder, { recursive: true }));
  await cp(PROGRAMS, folder, { recursive: true });
  const client = join(folder, "node_modules/@usermesh/client");
  await mkdir(client, { recursive: true });
  await cp("clients/typescript/package.json", join(client, "package.json"));
  const options = ["-p", "clients/typescript", "--outDir", join(client, "dist")];
  await promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", ...options]);
  return folder;
}

/** Starts a program that prints `port <number>` when it listens, and resolves to its URL. */
export async function startProgram(
  started: AsyncDisposableStack,
  command: readonly [string, ...string[]],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<string> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  started.defer(async () => {
    child.kill();
    await ended;
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      output += text;
    });
  }
  const port = await eventually(`the port of ${command.join(" ")}`, () => {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${output}`);
    return /^port (\d+)$/m.exec(output)?.[1];
  });
  return `http://127.0.0.1:${port}`;
}
