import { Command } from "commander";
import type { Operator } from "./operator.ts";
import { formatRecord, formatRows, type Row } from "./table.ts";

/** What a command resolves to. `data` is what `--json` prints instead. */
export type Output =
  | { readonly rows: readonly Row[]; readonly none: string; readonly whole?: readonly string[]; readonly data: unknown }
  | { readonly record: Row; readonly data: unknown }
  | { readonly message: string; readonly data: unknown }
  /** The command has printed everything itself. */
  | undefined;

export type Options = Readonly<Record<string, string | boolean | undefined>>;

export interface CommandDefinition {
  /** With its arguments, as commander writes them: `find <text>`. */
  readonly usage: string;
  readonly summary: string;
  readonly options?: ReadonlyArray<readonly [flags: string, description: string]>;
  /** Hands unknown options to `run` as words. */
  readonly takesAnyOption?: boolean;
  run(operator: Operator, args: readonly string[], options: Options, signal: AbortSignal): Promise<Output>;
}

export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandDefinition[];
}

/** Adds a command to the program. Every command takes `--json`. */
export function addCommand(
  parent: Command,
  operator: Operator,
  { usage, summary, options = [], takesAnyOption = false, run }: CommandDefinition,
  signal: AbortSignal,
): void {
  const command = new Command(usage.split(" ")[0]).description(summary).allowUnknownOption(takesAnyOption);
  for (const argument of usage.split(" ").slice(1)) command.argument(argument);
  for (const [flags, description] of options) command.option(flags, description);
  command.option("--json", "print JSON, for scripts").action(async () => {
    const given = command.opts<Options>();
    const output = await run(operator, command.args, given, signal);
    if (output !== undefined) operator.print(given.json ? toJson(output.data) : show(output, operator.columns));
  });
  parent.addCommand(command);
}

function show(output: NonNullable<Output>, columns: number): string {
  if ("message" in output) return output.message;
  if ("record" in output) return formatRecord(output.record, columns);
  return output.rows.length === 0 ? output.none : formatRows(output.rows, columns, output.whole);
}

/** JSON.stringify leaves the C1 control characters, one of which begins an escape sequence. */
export function toJson(data: unknown): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(data, null, 2).replace(/[\u007f-\u009f]/g, escaped);
}
