import type { WriteStream } from "node:tty";

interface Position {
  readonly imported: number;
  readonly refused: number;
  /** Of the file. */
  readonly bytes: number;
}

export interface ProgressBar {
  show(now: Position): void;
  /** Leaves the last line standing. */
  end(): void;
}

const EVERY_MS = { terminal: 200, lines: 5_000 };
const WIDTH = 24;

/** One line that changes on a terminal; elsewhere, as in a log of CI, a line now and then. */
export function createProgressBar(
  out: Pick<WriteStream, "write"> & { readonly isTTY?: boolean | undefined },
  { total, from }: { readonly total: number; readonly from: Position },
): ProgressBar {
  const began = performance.now();
  const terminal = out.isTTY === true;
  let shown = terminal ? Number.NEGATIVE_INFINITY : began;
  let last = "";
  return {
    show(now) {
      last = describe(now, from, total, (performance.now() - began) / 1_000);
      if (performance.now() - shown < (terminal ? EVERY_MS.terminal : EVERY_MS.lines)) return;
      shown = performance.now();
      out.write(terminal ? `\r${last}\u001b[K` : `${last}\n`);
    },
    end() {
      if (last !== "") out.write(terminal ? `\r${last}\u001b[K\n` : `${last}\n`);
    },
  };
}

function describe(now: Position, from: Position, total: number, seconds: number): string {
  const share = total === 0 ? 1 : now.bytes / total;
  const done = now.imported + now.refused - from.imported - from.refused;
  const left = now.bytes > from.bytes ? (seconds * (total - now.bytes)) / (now.bytes - from.bytes) : 0;
  const bar = "#".repeat(Math.round(share * WIDTH)).padEnd(WIDTH, ".");
  const count = (n: number) => n.toLocaleString("en");
  return [
    `[${bar}] ${Math.floor(share * 100)} %`,
    `${count(now.imported)} imported`,
    `${count(now.refused)} refused`,
    `${count(Math.round(done / Math.max(seconds, 0.001)))}/s`,
    `${clockTime(left)} left`,
  ].join("  ");
}

function clockTime(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
