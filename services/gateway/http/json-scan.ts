import { AppError, fieldError } from "../../../lib/actions/errors.ts";

const MAX_DEPTH = 20;
/** Names that reach into prototypes. */
export const UNSAFE_NAMES: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
/** The closing quote is optional, so that scanning an unterminated string takes linear time. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"?|-?\d[\d.eE+-]*|[{}[\],]/gs;

/** An object or array that is still open. */
interface Frame {
  /** The names seen so far; null in an array. */
  readonly names: Set<string> | null;
  name: string;
  isNameNext: boolean;
}

/**
 * Scans a JSON text before it is parsed, without recursion, for what JSON.parse accepts but other readers may interpret
 * differently (RFC 7493): duplicate names, numbers and characters that do not survive the bus, names that reach into
 * prototypes, and deep nesting. Syntax errors are left to JSON.parse.
 */
export function scanJson(text: string): void {
  const frames: Frame[] = [];
  for (const [token] of text.matchAll(TOKENS)) {
    const frame = frames.at(-1);
    if (token === "{" || token === "[") {
      if (frames.length === MAX_DEPTH) throw invalidJson("The request body is nested too deeply.");
      frames.push({ names: token === "{" ? new Set() : null, name: "", isNameNext: token === "{" });
    } else if (token === "}" || token === "]") frames.pop();
    else if (token === "," && frame) frame.isNameNext = frame.names !== null;
    else if (token.startsWith('"')) scanString(frames, token);
    // 1e999 parses to Infinity, which the bus would turn into null, and a null would clear the field.
    else if (Math.abs(Number(token)) === Number.POSITIVE_INFINITY)
      throw fieldError(fieldPath(frames), "invalid_number", "is too large");
  }
}

function scanString(frames: readonly Frame[], token: string): void {
  const frame = frames.at(-1);
  const isName = frame?.isNameNext === true;
  const value = token.includes("\\") ? (parseJson(token) as string) : token.slice(1, -1);
  // Only an escape can produce a lone surrogate.
  if (!value.isWellFormed())
    throw fieldError(isName ? "" : fieldPath(frames), "invalid_characters", "contains an unpaired surrogate");
  if (!isName) return;
  frame.name = value;
  frame.isNameNext = false;
  if (UNSAFE_NAMES.has(value)) throw fieldError(fieldPath(frames), "unknown_field", "is not a known field");
  if (frame.names?.has(value)) throw invalidJson("The request body contains a field twice.");
  frame.names?.add(value);
}

function fieldPath(frames: readonly Frame[]): string {
  const names = frames.map((frame) => frame.name);
  return names.filter((name) => name !== "").join(".");
}

function invalidJson(message: string): AppError {
  return new AppError("invalid_json", { message });
}

/** JSON.parse that throws 400 `invalid_json`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("invalid_json");
  }
}
