import { format } from "node:util";
import type { Logger } from "pino";

const levels = { error: "error", warn: "warn", info: "info", log: "info", debug: "debug" } as const;

/**
 * Libraries write to the console, and Node.js prints warnings to it: bare lines that a log pipeline cannot parse. They become
 * entries of the log, and a text that is repeated, at each reconnection for example, is logged once.
 */
export function redirectConsole(
  log: Logger,
  { console: target, process: events }: { console: Console; process: NodeJS.EventEmitter } = { console, process },
): void {
  const known = new Set<string>();
  const write = (level: (typeof levels)[keyof typeof levels], message: string) => {
    if (known.has(message)) return;
    if (known.size < MAX_KNOWN) known.add(message);
    log[level]({ message }, "message of a library");
  };
  for (const [method, level] of Object.entries(levels))
    target[method as keyof typeof levels] = (...parts: unknown[]) => write(level, format(...parts));
  // Node.js prints warnings with a listener of its own.
  events.removeAllListeners("warning");
  events.on("warning", ({ name, message }: Error) => write("warn", `${name}: ${message}`));
}

const MAX_KNOWN = 1_000;
