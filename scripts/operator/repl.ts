import type { REPLServer } from "node:repl";
import repl from "moleculer-repl";
import { greet } from "./greeting.ts";
import type { Operator } from "./operator.ts";
import { completeLine, groups, runLine, singles } from "./program.ts";
import { splitWords } from "./split-words.ts";

type Evaluate = (line: string, context: object, file: string, done: (error: Error | null) => void) => void;
type Complete = (line: string, done: (error: null, found: [string[], string]) => void) => void;

/** Commands of moleculer-repl that ours replace: tables that fit, and refusals of one line. */
const REPLACED: ReadonlySet<string> = new Set(["nodes", "actions", "call", "events"]);

const MOLECULERS = `
Commands of Moleculer's REPL, which \`help <command>\` explains:
  bench, broadcast, broadcastLocal, cache, cls, dcall, emit, env, exit, info,
  listener, metrics, services
`;

/** Moleculer's REPL with our commands. */
export async function startRepl(operator: Operator): Promise<void> {
  operator.print(await greet(operator));
  const lines = createLines(operator);
  const ours = [
    ...groups.map(({ name, summary }) => ({ name, summary })),
    ...singles.map(({ usage, summary }) => ({ name: usage.split(" ")[0] ?? "", summary })),
  ];
  const customCommands = ours
    .filter(({ name }) => !REPLACED.has(name))
    .map(({ name, summary }) => ({
      command: `${name} [words...]`,
      description: summary,
      allowUnknownOptions: true,
      alias: null,
      parse: null,
      options: [],
      action: (_broker: unknown, params: unknown) =>
        lines.run(splitWords((params as { readonly rawCommand: string }).rawCommand)),
    }));
  const server = repl(operator.broker, { customCommands, delimiter: "usermesh $" }) as unknown as REPLServer;
  takeOver(server, lines, new Set(ours.map(({ name }) => name)));
}

/**
 * moleculer-repl parses a line with a program of its own, which would answer `users find --help` with the help of `users`,
 * answers an unknown command with a wide list of other commands, and offers no completion within a command. So it gets only
 * the lines with a command of its own.
 */
function takeOver(server: REPLServer, lines: Lines, ours: ReadonlySet<string>): void {
  const internals = server as unknown as { eval: Evaluate; completer: Complete };
  const { eval: evaluate, completer } = internals;
  const all = namesOfAll(server, completer);
  internals.eval = (line, context, file, done) => {
    const words = splitWords(line);
    const [first = "", second] = words;
    const topic = first === "help" ? (second ?? "") : first;
    const isTheirs = words.length === 0 || (all.has(topic) && !ours.has(topic));
    if (isTheirs) return evaluate.call(server, line, context, file, done);
    void lines.run(words).finally(() => {
      if (first === "help" && second === undefined) process.stdout.write(MOLECULERS);
      done(null);
    });
  };
  internals.completer = (line, done) => {
    const found = completeLine(line);
    if (found) done(null, found);
    else completer.call(server, line, done);
  };
  const interrupts = server.listeners("SIGINT");
  server.removeAllListeners("SIGINT");
  server.on("SIGINT", () => {
    if (!lines.interrupt()) for (const interrupt of interrupts) interrupt.call(server);
  });
}

/** The completions of an empty line are the names of all commands, those of moleculer-repl and ours. */
function namesOfAll(server: REPLServer, completer: Complete): ReadonlySet<string> {
  let found: string[] = [];
  completer.call(server, "", (_error, [names]) => {
    found = names;
  });
  return new Set(found);
}

type Lines = ReturnType<typeof createLines>;

function createLines(operator: Operator) {
  let running: AbortController | undefined;
  return {
    async run(words: readonly string[]): Promise<void> {
      running = new AbortController();
      await runLine(operator, words, running.signal, (line) => void process.stderr.write(`${line}\n`));
      running = undefined;
    },
    /** True if a command was running. */
    interrupt(): boolean {
      running?.abort();
      return running !== undefined;
    },
  };
}
