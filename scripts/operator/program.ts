import { Command, CommanderError } from "commander";
import { version } from "../../lib/config/version.ts";
import { events } from "./commands/events.ts";
import { admin, installation } from "./commands/installation.ts";
import { keys } from "./commands/keys.ts";
import { inspection, mesh } from "./commands/mesh.ts";
import { dead, queues } from "./commands/queues.ts";
import { sessions } from "./commands/sessions.ts";
import { users } from "./commands/users.ts";
import { addCommand, type CommandDefinition, type CommandGroup } from "./define-command.ts";
import { explainError } from "./explain-error.ts";
import type { Operator } from "./operator.ts";

/** The one definition of the commands of the REPL and of `usermesh`. */
export const groups: readonly CommandGroup[] = [users, sessions, dead, keys, events, admin, mesh];
export const singles: readonly CommandDefinition[] = [queues, ...installation, ...inspection];

export type PrintError = (line: string) => void;

/**
 * Runs one command line. Resolves to the exit code: 0 done, 1 refused or failed, 2 wrong usage. `connect` is called only by
 * a command that is run, so that help needs no mesh.
 */
export async function runLine(
  operator: Operator,
  words: readonly string[],
  signal: AbortSignal,
  printError: PrintError,
): Promise<number> {
  try {
    await createProgram(operator, signal, printError).parseAsync([...words], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 || error.code === "commander.help" ? 0 : 2;
    printError(explainError(error));
    return 1;
  }
}

export function createProgram(operator: Operator, signal: AbortSignal, printError: PrintError): Command {
  const program = new Command("usermesh")
    .description("Operates a running Usermesh. Changes are recorded in the activity log under your name.")
    .version(version);
  for (const group of groups) {
    const command = new Command(group.name).description(group.summary);
    for (const one of group.commands) addCommand(command, operator, one, signal);
    program.addCommand(command);
  }
  for (const one of singles) addCommand(program, operator, one, signal);
  return configure(program, operator, printError);
}

/** Errors are thrown instead of ending the process, which may be a REPL. */
function configure(program: Command, { print, columns }: Operator, printError: PrintError): Command {
  const all = [program, ...program.commands, ...program.commands.flatMap((group) => group.commands)];
  for (const command of all) {
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .showHelpAfterError(
        command === program ? "`help` lists the commands." : `\`${pathOf(command)} --help\` explains it.`,
      )
      .configureOutput({
        writeOut: (text) => print(text.trimEnd()),
        writeErr: (text) => printError(text.trimEnd().replace(/^error: /, "")),
        getOutHelpWidth: () => columns,
        getErrHelpWidth: () => columns,
      });
  }
  return program;
}

/** As it is typed: `users find`. */
function pathOf(command: Command): string {
  const group = command.parent;
  return group?.parent ? `${group.name()} ${command.name()}` : command.name();
}

/** `users find`, `queues`: everything that can be typed, for completion. */
export function commandNames(): string[] {
  const inGroups = groups.flatMap(({ name, commands }) =>
    commands.map(({ usage }) => `${name} ${usage.split(" ")[0]}`),
  );
  return [...inGroups, ...singles.map(({ usage }) => usage.split(" ")[0] ?? "")];
}

/** The names of our commands that continue the line; undefined if it is not one of ours. */
export function completeLine(line: string): [string[], string] | undefined {
  const hits = commandNames().filter((name) => name.startsWith(line));
  return line !== "" && hits.length > 0 ? [hits.map((hit) => `${hit} `), line] : undefined;
}
