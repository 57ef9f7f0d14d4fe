import { createRequire } from "node:module";
import pino, { type DestinationStream, type Logger, type StreamEntry } from "pino";
import { currentCorrelation } from "../actions/correlation.ts";
import type { Config } from "../config/config.ts";
import { redactFields, redactText } from "./redaction.ts";

type LogConfig = Config["log"];

/**
 * One JSON line per entry on standard output (human-readable lines on a terminal), and in `LOG_FILE` if it is set. Every entry is redacted, and carries the
 * correlation id of the request that caused it.
 */
export function createLog(
  { level, file, pretty }: LogConfig,
  output: DestinationStream = pino.destination({ sync: true }),
): Logger {
  const isPretty = pretty ?? process.stdout.isTTY === true;
  const streams: StreamEntry[] = [{ level, stream: isPretty ? prettyStream(output) : output }];
  if (file !== undefined) streams.push({ level, stream: rotatedFile(file) });
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      mixin: () => {
        const id = currentCorrelation();
        return id === undefined ? {} : { correlation_id: id };
      },
      // An entry's own id takes precedence over the request's.
      mixinMergeStrategy: (own, around) => ({ ...around, ...own }),
      // Messages are redacted too: they may quote a URL or an email address.
      hooks: { streamWrite: redactText },
    },
    pino.multistream(streams),
  );
}

/** Loaded on demand: it takes a tenth of a second, and no production log is written to a terminal. */
function prettyStream(output: DestinationStream): DestinationStream {
  const { prettyFactory } = createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
  const format = prettyFactory({
    colorize: process.stdout.isTTY === true,
    translateTime: "HH:MM:ss.l",
    singleLine: true,
    ignore: "node",
    messageFormat: "{if node}{node}: {end}{msg}",
  });
  return { write: (line) => output.write(format(line)) };
}

/** Written by a worker thread, so that a slow disk delays no request. */
function rotatedFile(file: string): DestinationStream {
  return pino.transport({
    target: "pino-roll",
    options: { file, frequency: "daily", size: "10m", mkdir: true, limit: { count: 14 } },
  });
}
