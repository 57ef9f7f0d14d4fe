import { inspect } from "node:util";
import { Loggers } from "moleculer";
import type { Level, Logger } from "pino";

type LogHandler = (type: Level, args: unknown[]) => void;

/** Our level for each of Moleculer's: its own lifecycle only matters for debugging. */
const ourLevels: Readonly<Record<Level, Level>> = {
  fatal: "fatal",
  error: "error",
  warn: "warn",
  info: "debug",
  debug: "trace",
  trace: "trace",
};
/** These modules log every failed call, which the caller reports anyway; while NATS is down they would flood the log. */
const noisyModules = new Set(["broker", "transit"]);

/** Writes Moleculer's log entries to ours. */
export class BrokerLog extends Loggers.Base<{ level?: Loggers.LogLevels }> {
  readonly #log: Logger;

  constructor(log: Logger) {
    super({ level: "trace" });
    this.#log = log;
  }

  override getLogHandler({ mod }: { readonly mod: string }): LogHandler {
    const log = this.#log.child({ mod });
    return (type, args) => {
      const level = levelOf(type, mod, args);
      if (!log.isLevelEnabled(level)) return;
      const error = args.find((one) => one instanceof Error);
      const text = args
        .filter((one) => one !== error)
        .map(asText)
        .join(" ");
      log[level](error ? { err: error } : {}, text || error?.message);
    };
  }
}

function levelOf(type: Level, mod: string, args: readonly unknown[]): Level {
  const [text] = args;
  // The script that starts the node reports a failed start.
  if (type === "error" && (mod === "transit" || text === "Unable to start all services.")) return "debug";
  if (type === "warn" && noisyModules.has(mod) && !(typeof text === "string" && /Waiting for/.test(text)))
    return "debug";
  return ourLevels[type];
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY });
}
