import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs the fenced block `run=<name>` of a document as a program of its own, and resolves to what it prints. */
export async function runDocumented(
  file: string,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const block = new RegExp(`\`\`\`js run=${name}\\n([\\s\\S]*?)\`\`\``).exec(readFileSync(file, "utf8"));
  if (!block?.[1]) throw new Error(`${file} has no block run=${name}`);
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", block[1]], {
    env: { PATH: process.env.PATH ?? "", ...env },
    timeout: 30_000,
  });
  return stdout.trim();
}
