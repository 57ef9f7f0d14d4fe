import { inspect } from "node:util";
import { Loggers } from "moleculer";
import type { Level, Logger } from "pino";

type LogHandler = (type: Level, args: unknown[]) => void;

/** Where each of Moleculer's levels goes: what it tells of its own life is of interest to who debugs. */
const quieter: Readonly<Record<Level, Level>> = {
  fatal: "fatal",
  error: "error",
  warn: "warn",
  info: "debug",
  debug: "trace",
  trace: "trace",
};
/** Every failed call is a line there, and the caller gets the error anyway: NATS away would be a flood. */
const chatty = new Set(["broker", "transit"]);

/** Moleculer's log in ours. */
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
  // What hinders a start is told by who starts.
  if (type === "error" && (mod === "transit" || text === "Unable to start all services.")) return "debug";
  if (type === "warn" && chatty.has(mod) && !(typeof text === "string" && /Waiting for/.test(text))) return "debug";
  return quieter[type];
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY });
}
