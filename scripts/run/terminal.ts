import { styleText } from "node:util";

export type Print = (line: string) => void;

/** Running calls and jobs have 10 s to finish. */
const STOP_TIMEOUT_MS = 25_000;
/** npm and `node --watch` forward the signal of a Ctrl-C that the terminal has sent to us as well. */
const SAME_KEYPRESS_MS = 500;

export const print: Print = (line) => void process.stdout.write(`${line}\n`);

/** `1 account`, `2 accounts`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Rows of name and value in two columns; an empty row separates groups. In colour at a terminal, unless NO_COLOR is set. */
export function formatTable(rows: ReadonlyArray<readonly [name: string, value: string] | readonly []>): string {
  const width = Math.max(...rows.map(([name = ""]) => name.length)) + 3;
  return rows
    .map(([name = "", value = ""]) => `  ${styleText("dim", name.padEnd(width))}${link(value)}`.trimEnd())
    .join("\n");
}

function link(value: string): string {
  return /^https?:\/\//.test(value) ? styleText(["cyan", "underline"], value) : value;
}

const WAITING_MS = 10_000;

/** Says every 10 s what a start is still waiting for. */
export async function explainWaiting<T>(what: string, work: Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const timer = setInterval(() => {
    print(`Still waiting for ${what} after ${Math.round((performance.now() - startedAt) / 1_000)} s.`);
  }, WAITING_MS);
  return work.finally(() => clearInterval(timer));
}

/**
 * On Ctrl-C or SIGTERM disposes `stack`, newest first, and exits with code 0; a second signal exits immediately.
 * Prints the error of a failed start as one paragraph.
 */
export async function runUntilStopped(start: (stack: AsyncDisposableStack) => Promise<void>): Promise<void> {
  const stack = new AsyncDisposableStack();
  let stoppingSince: number | undefined;
  const stop = async () => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_KEYPRESS_MS) process.exit(130);
      return;
    }
    stoppingSince = performance.now();
    // What is still starting loses its servers now; its errors are of no interest.
    for (const event of ["uncaughtException", "unhandledRejection"]) process.on(event, () => undefined);
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    if (!process.send) print("\nStopping. Press Ctrl-C again to exit immediately.");
    await stack.disposeAsync().catch(printError);
    process.exit(0);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  // A child process stops when its parent is gone, even after a kill -9.
  process.once("disconnect", () => stoppingSince ?? stop());
  try {
    await start(stack);
  } catch (error) {
    if (stoppingSince !== undefined) return;
    stoppingSince = performance.now();
    printError(error);
    await stack.disposeAsync().catch(printError);
    process.exit(1);
  }
}

function printError(error: unknown): void {
  process.stderr.write(`\n${error instanceof Error ? error.message : error}\n`);
}
