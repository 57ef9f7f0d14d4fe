import { ConfigError } from "../../lib/config/config.ts";

export type Print = (line: string) => void;

/** Calls that run have 10 s to finish, jobs as long. */
const TIMEOUT_MS = 25_000;

export const print: Print = (line) => void process.stdout.write(`${line}\n`);

/** Lines of name and value, the values under each other; an empty row parts groups. */
export function formatTable(rows: ReadonlyArray<readonly [name: string, value: string] | readonly []>): string {
  const width = Math.max(...rows.map(([name = ""]) => name.length)) + 3;
  return rows.map(([name = "", value = ""]) => `  ${name.padEnd(width)}${value}`.trimEnd()).join("\n");
}

/**
 * Ends what `stack` holds on Ctrl-C or SIGTERM, newest first, then the process with code 0; on a second signal at once.
 * A start that fails is told in one paragraph.
 */
export async function runUntilStopped(start: (stack: AsyncDisposableStack) => Promise<void>): Promise<void> {
  const stack = new AsyncDisposableStack();
  let stopping = false;
  const stop = async () => {
    if (stopping) process.exit(130);
    stopping = true;
    // What was still starting loses its servers now. Its complaints are news to nobody.
    for (const complaint of ["uncaughtException", "unhandledRejection"]) process.on(complaint, () => undefined);
    setTimeout(() => process.exit(1), TIMEOUT_MS).unref();
    if (!process.send) print("\nStopping. Once more Ctrl-C ends it at once.");
    await stack.disposeAsync().catch(printError);
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  // Started by another process: its end is ours, however it died.
  process.once("disconnect", () => stopping || stop());
  try {
    await start(stack);
  } catch (error) {
    if (stopping) return;
    stopping = true;
    printError(error);
    await stack.disposeAsync().catch(printError);
    process.exit(1);
  }
}

function printError(error: unknown): void {
  process.stderr.write(`\n${describeError(error)}\n`);
}

function describeError(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { code, message, address, port } = (error ?? {}) as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === "EADDRINUSE")
    return `Port ${port ?? ""} of ${address ?? "this machine"} is taken by another program. Set APP_PORT to a free one.`;
  return message ?? String(error);
}
