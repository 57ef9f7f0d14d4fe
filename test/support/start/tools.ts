import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
export const toolsFolder = join(import.meta.dirname, "../../tools");

/** Installs what test/tools needs, unless it is there. */
export async function installTools(): Promise<void> {
  const modified = (name: string) =>
    stat(join(toolsFolder, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
  if ((await modified("node_modules/.package-lock.json")) >= (await modified("package-lock.json"))) return;
  await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: toolsFolder, timeout: 300_000 });
}

/** Runs a program in test/tools, in a process of its own, and resolves to what it prints. */
export async function runTool(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { stdout } = await run(process.execPath, args, {
    cwd: toolsFolder,
    env: { PATH: process.env.PATH ?? "", ...env },
    timeout: 120_000,
    maxBuffer: 64 * 1_024 * 1_024,
  }).catch((error) => {
    // Compilers report on standard output.
    throw new Error(`${error.message}${error.stdout}`, { cause: error });
  });
  return stdout.trim();
}
