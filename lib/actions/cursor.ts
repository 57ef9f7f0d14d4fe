import { decodeCanonical, encode } from "../crypto/base64url.ts";
import { type AppError, fieldError } from "./errors.ts";

/** Where a page of a list ended; the next page continues after it (keyset pagination). */
export interface CursorPosition {
  /** ISO time; null sorts before all times. */
  readonly at: string | null;
  readonly id: string;
}

/** `order` names the sort order, because a cursor is only valid in the one it was created for. */
export function encodeCursor(order: string, { at, id }: CursorPosition): string {
  return encode(Buffer.from(JSON.stringify([order, at, id])));
}

/** Throws 422 `invalid_cursor` for any text that `encodeCursor` did not create for this sort order. */
export function decodeCursor(order: string, cursor: string): CursorPosition {
  const [cursorOrder, at, id] = parseList(cursor);
  if (cursorOrder !== order || !isPosition(at, id)) throw invalidCursor();
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
