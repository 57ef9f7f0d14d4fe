import pino, { type DestinationStream, type Logger, type StreamEntry } from "pino";
import { currentCorrelation } from "../actions/correlation.ts";
import type { Config } from "../config/config.ts";
import { prettyLines } from "./log-pretty.ts";
import { redacted, redactText } from "./redaction.ts";

type LogConfig = Config["log"];

/**
 * One JSON line for each entry on standard output, and in `LOG_FILE` where that is set. Whatever is logged passes the
 * redaction, and carries the correlation id of the request that caused it.
 */
export function createLog(
  { level, file, pretty }: LogConfig,
  output: DestinationStream = pino.destination({ sync: true }),
): Logger {
  const streams: StreamEntry[] = [{ level, stream: pretty ? prettyLines(output) : output }];
  if (file !== undefined) streams.push({ level, stream: rotatedFile(file) });
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redacted },
      mixin: () => {
        const id = currentCorrelation();
        return id === undefined ? {} : { correlation_id: id };
      },
      // A line's own id wins over the one around it.
      mixinMergeStrategy: (own, around) => ({ ...around, ...own }),
      // Texts too: a message may quote a URL or an address.
      hooks: { streamWrite: redactText },
    },
    pino.multistream(streams),
  );
}

/** A worker thread writes it, so that a slow disk delays nobody. */
function rotatedFile(file: string): DestinationStream {
  return pino.transport({
    target: "pino-roll",
    options: { file, frequency: "daily", size: "10m", mkdir: true, limit: { count: 14 } },
  });
}
