import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Where the next line begins, in bytes. */
  readonly end: number;
  /** null: more bytes than a line may have, or none of UTF-8. */
  readonly text: string | null;
}

/** A message on the bus may have 1 MB, and a batch is a message. */
export const MAX_LINE_BYTES = 256 * 1024;
const NEWLINE = 10;

/** The lines of a file from a place on, in memory of a few lines' size however long they are. */
export async function* readLines(file: string, start: { readonly offset: number; readonly line: number }) {
  let { offset: end, line: number } = start;
  let parts: Buffer[] = [];
  let size = 0;
  const take = (part: Buffer): void => {
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
      take(chunk.subarray(from, at));
      end += at + 1 - from;
      from = at + 1;
      yield finish();
    }
    take(chunk.subarray(from));
    end += chunk.length - from;
  }
  if (size > 0) yield finish();
}

function textOf(parts: readonly Buffer[], size: number): string | null {
  if (size > MAX_LINE_BYTES) return null;
  const bytes = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  return isUtf8(bytes) ? bytes.toString("utf8") : null;
}
