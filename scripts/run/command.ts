import { print } from "./terminal.ts";

export const exitCodes = { done: 0, failed: 1, usage: 2, incomplete: 3, interrupted: 130 } as const;

/** Wrong arguments. */
export class UsageError extends Error {}

export interface Command {
  /** What `--help` prints. */
  readonly help: string;
  /** Resolves to the exit code. The first Ctrl-C aborts `signal`; a second one exits immediately. */
  run(stack: AsyncDisposableStack, signal: AbortSignal): Promise<number>;
}

/** Runs a command that does its work and exits; whatever is in its stack is disposed first. */
export async function runCommand({ help, run }: Command): Promise<void> {
  if (process.argv.slice(2).some((arg) => arg === "--help" || arg === "-h")) return print(help);
  const stack = new AsyncDisposableStack();
  const stop = new AbortController();
  const interrupt = () => (stop.signal.aborted ? process.exit(exitCodes.interrupted) : stop.abort());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  const code = await run(stack, stop.signal).catch((error: Error) => printError(error, help));
  await stack.disposeAsync().catch((error: Error) => printError(error, help));
  process.exit(code);
}

const PROGRESS_STEP = 50_000;

/** Prints the number of accounts to stderr each time it has grown by 50,000. */
export function createProgressPrinter(): (accounts: number) => void {
  let printed = 0;
  return (accounts) => {
    if (accounts - printed < PROGRESS_STEP) return;
    printed = accounts;
    process.stderr.write(`${accounts.toLocaleString("en")} accounts\n`);
  };
}

function printError(error: Error & { readonly code?: unknown }, help: string): number {
  const usage = error instanceof UsageError || String(error.code).startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`\n${error.message}\n${usage ? `\n${help}\n` : ""}`);
  return usage ? exitCodes.usage : exitCodes.failed;
}
