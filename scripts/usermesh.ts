import type { Operator } from "./operator/operator.ts";
import { groups, runLine } from "./operator/program.ts";
import { exitCodes } from "./run/command.ts";
import { print } from "./run/terminal.ts";

/** `npx usermesh users find ada@example.com`: the commands of the REPL, for scripts. */
const words = process.argv.slice(2);
const stop = new AbortController();
const printError = (line: string) => void process.stderr.write(`${line}\n`);
const interrupt = () => (stop.signal.aborted ? process.exit(exitCodes.interrupted) : stop.abort());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);

process.exitCode = await run();
process.exit();

async function run(): Promise<number> {
  if (needsNoMesh(words)) return runLine(offline(), words, stop.signal, printError);
  const stack = new AsyncDisposableStack();
  try {
    // Loaded only when a command runs: it takes half of the start-up time, and `help` does not need the bus.
    const { joinAsOperator } = await import("./operator/join.ts");
    return await runLine(await joinAsOperator(process.env, stack, print), words, stop.signal, printError);
  } catch (error) {
    printError((error as Error).message);
    return exitCodes.failed;
  } finally {
    await stack.disposeAsync();
  }
}

/** Help, the version, and a group without a command. */
function needsNoMesh(line: readonly string[]): boolean {
  const [first] = line;
  const isGroup = groups.some(({ name }) => name === first);
  return (
    first === undefined ||
    first === "help" ||
    (isGroup && line.length === 1) ||
    line.some((word) => /^(-h|--help|-V|--version)$/.test(word))
  );
}

function offline(): Operator {
  return { print, columns: process.stdout.columns || 80 } as Operator;
}
