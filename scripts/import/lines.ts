import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";

export interface Line {
  /** Starting with 1. */
  readonly number: number;
  /** Offset of the next line in bytes. */
  readonly end: number;
  /** null: longer than MAX_LINE_BYTES, or not UTF-8. */
  readonly text: string | null;
}

/** A batch of lines is one NATS message, which may have 1 MB. */
export const MAX_LINE_BYTES = 256 * 1024;
const NEWLINE = 10;

/** Reads the lines of a file from `start`, in memory for a few lines however long they are. */
export async function* readLines(file: string, start: { readonly offset: number; readonly line: number }) {
  let { offset: end, line: number } = start;
  let parts: Buffer[] = [];
  let size = 0;
  const append = (part: Buffer): void => {
    size += part.length;
    if (size <= MAX_LINE_BYTES) parts.push(part);
  };
  const finish = (): Line => {
    const text = textOf(parts, size);
    [parts, size] = [[], 0];
    number += 1;
    return { number, end, text: number === 1 ? (text?.replace(/^\uFEFF/, "") ?? null) : text };
  };
  for await (const chunk of createReadStream(file, { start: start.offset, highWaterMark: 256 * 1024 })) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      append(chunk.subarray(from, at));
      end += at + 1 - from;
      from = at + 1;
      yield finish();
    }
    append(chunk.subarray(from));
    end += chunk.length - from;
  }
  if (size > 0) yield finish();
}

function textOf(parts: readonly Buffer[], size: number): string | null {
  if (size > MAX_LINE_BYTES) return null;
  const bytes = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  return isUtf8(bytes) ? bytes.toString("utf8") : null;
}
