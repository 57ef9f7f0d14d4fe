import type { DestinationStream } from "pino";

const colours: Readonly<Record<string, number>> = { fatal: 31, error: 31, warn: 33, info: 32, debug: 36, trace: 90 };

/** Log entries for eyes: time, level, text, then what is left as key=value. */
export function prettyLines(
  output: DestinationStream,
  colour: boolean = process.stdout.isTTY === true,
): DestinationStream {
  return { write: (line: string) => output.write(pretty(line, colour)) };
}

function pretty(line: string, colour: boolean): string {
  const { time, level, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const name = String(level);
  const label = colour ? `\u001b[${colours[name] ?? 0}m${name.padEnd(5)}\u001b[0m` : name.padEnd(5);
  const fields = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const stack = (err as { stack?: string } | undefined)?.stack;
  return `${[String(time).slice(11, 23), label, msg, ...fields].filter((part) => part !== undefined).join(" ")}\n${stack ? `${stack}\n` : ""}`;
}
