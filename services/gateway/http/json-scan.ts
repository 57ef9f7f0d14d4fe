import { AppError, fieldError } from "../../../lib/actions/errors.ts";

const MAX_DEPTH = 20;
const FORBIDDEN: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

interface Frame {
  /** Names seen so far; null in an array. */
  readonly names: Set<string> | null;
  name: string;
  nextIsName: boolean;
}

/**
 * Scans a JSON text before it is parsed, without recursion, for what JSON.parse accepts but other readers may interpret
 * differently (RFC 7493): duplicate names, numbers and characters that do not survive the bus, names that reach into
 * prototypes, and deep nesting. The grammar is left to JSON.parse.
 */
export function scanJson(text: string): void {
  const frames: Frame[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charCodeAt(at);
    const frame = frames.at(-1);
    if (character === 34) {
      const end = findStringEnd(text, at);
      if (frame?.names && frame.nextIsName) readName(frames, frame, readString(text, at, end));
      else readString(text, at, end, frames);
      at = end;
    } else if (character === 123 || character === 91) {
      if (frames.length === MAX_DEPTH)
        throw new AppError("invalid_json", { message: "The request body is nested too deeply." });
      frames.push({ names: character === 123 ? new Set() : null, name: "", nextIsName: character === 123 });
      at++;
    } else if (character === 125 || character === 93) {
      frames.pop();
      at++;
    } else if (character === 44) {
      if (frame) frame.nextIsName = frame.names !== null;
      at++;
    } else if (character === 45 || (character >= 48 && character <= 57)) {
      at = findNumberEnd(text, at, frames);
    } else at++;
  }
}

function findStringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 92) at++;
    else if (character === 34) return at + 1;
  }
  throw new AppError("invalid_json");
}

/** The string's value. Only an escape can produce a lone surrogate. */
function readString(text: string, start: number, end: number, frames?: readonly Frame[]): string {
  const raw = text.slice(start, end);
  if (!raw.includes("\\")) return raw.slice(1, -1);
  const value = parse(raw) as string;
  if (!value.isWellFormed())
    throw fieldError(frames ? fieldPath(frames) : "", "invalid_characters", "contains an unpaired surrogate");
  return value;
}

function readName(frames: readonly Frame[], frame: Frame, name: string): void {
  frame.name = name;
  frame.nextIsName = false;
  if (FORBIDDEN.has(name)) throw fieldError(fieldPath(frames), "unknown_field", "is not a known field");
  if (frame.names?.has(name))
    throw new AppError("invalid_json", { message: "The request body contains a field twice." });
  frame.names?.add(name);
}

/** 1e999 parses to Infinity, which the bus would turn into null, and a null would clear the field. */
function findNumberEnd(text: string, start: number, frames: readonly Frame[]): number {
  let end = start + 1;
  while (end < text.length && /[0-9.eE+-]/.test(text[end] ?? "")) end++;
  const value = Number(text.slice(start, end));
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    throw fieldError(fieldPath(frames), "invalid_number", "is too large");
  }
  return end;
}

function fieldPath(frames: readonly Frame[]): string {
  return frames
    .map((frame) => frame.name)
    .filter((name) => name !== "")
    .join(".");
}

/** JSON.parse that throws 400 `invalid_json`. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("invalid_json");
  }
}
