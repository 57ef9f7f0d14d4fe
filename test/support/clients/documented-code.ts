import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Runs the fenced block `run=<name>` of a document as a program of its own, and resolves to what it prints. One that does
 * not end by itself is ended by `stop`.
 */
export async function runDocumented(
  file: string,
  name: string,
  env: Readonly<Record<string, string>>,
  stop?: AbortSignal,
): Promise<string> {
  const block = new RegExp(`\`\`\`js run=${name}\\n([\\s\\S]*?)\`\`\``).exec(readFileSync(file, "utf8"));
  if (!block?.[1]) throw new Error(`${file} has no block run=${name}`);
  const running = run(process.execPath, ["--input-type=module", "--eval", block[1]], {
    env: { PATH: process.env.PATH ?? "", ...env },
    timeout: 30_000,
  });
  stop?.addEventListener("abort", () => running.child.kill());
  const { stdout } = await running.catch((error: { stdout: string }) => {
    if (stop?.aborted) return error;
    throw error;
  });
  return stdout.trim();
}
