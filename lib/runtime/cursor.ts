import { type AppError, fieldError } from "../actions/errors.ts";
import { decodeCanonical, encode } from "../crypto/base64url.ts";

/**
 * A keyset cursor: where a page ended, as an opaque text. `order` names the sort it belongs to; under another one it
 * would point to nowhere.
 */
export interface Position {
  /** ISO time; null sorts before all times. */
  readonly at: string | null;
  readonly id: string;
}

export function encodeCursor(order: string, { at, id }: Position): string {
  return encode(Buffer.from(JSON.stringify([order, at, id])));
}

/** 422 `invalid_cursor` for whatever `encodeCursor` did not make for this order. */
export function decodeCursor(order: string, cursor: string): Position {
  const [madeFor, at, id] = parseList(cursor);
  if (madeFor !== order || !isPosition(at, id)) throw invalidCursor();
  return { at: at as string | null, id: id as string };
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function isPosition(at: unknown, id: unknown): boolean {
  const isTime = typeof at === "string" && time.test(at) && !Number.isNaN(Date.parse(at));
  return (at === null || isTime) && typeof id === "string" && uuid.test(id);
}

function parseList(cursor: string): unknown[] {
  try {
    const list: unknown = JSON.parse(decodeCanonical(cursor)?.toString() ?? "");
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function invalidCursor(): AppError {
  return fieldError("cursor", "invalid_cursor", "is not a valid cursor for this list");
}
