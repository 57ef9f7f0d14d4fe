import { translateKnownError } from "../../../lib/actions/bus-errors.ts";
import { AppError, type ErrorCode, type FieldError } from "../../../lib/actions/errors.ts";

/** A Moleculer error, as another team's action throws it. */
interface ForeignError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly data?: unknown;
}

const CODES: ReadonlyMap<unknown, ErrorCode> = new Map([
  [400, "bad_request"],
  [401, "token_invalid"],
  [403, "forbidden"],
  [404, "not_found"],
  [409, "conflict"],
  [410, "not_found"],
  [413, "payload_too_large"],
  [422, "validation_failed"],
  [429, "rate_limited"],
]);
const MAX_MESSAGE_LENGTH = 500;
const MAX_FIELDS = 100;

/**
 * The error to show for one of another team's action: a client error (4xx) keeps its meaning and its message, anything
 * else stays what it is, and becomes 500 `internal_error`.
 */
export function toExtensionError(error: unknown): unknown {
  if (translateKnownError(error)) return error;
  const { code, message, data } = (error ?? {}) as ForeignError;
  if (typeof code !== "number" || code < 400 || code > 499) return error;
  return new AppError(CODES.get(code) ?? "bad_request", {
    message: String(message).slice(0, MAX_MESSAGE_LENGTH),
    ...(code === 422 && { errors: readFields(data) }),
  });
}

/** What Moleculer's validator reports: `[{ field, type, message }]`. */
function readFields(data: unknown): FieldError[] {
  if (!Array.isArray(data)) return [];
  return data.slice(0, MAX_FIELDS).map((entry: Readonly<Record<string, unknown>> | null) => ({
    field: String(entry?.field ?? ""),
    code: String(entry?.type ?? "invalid"),
    message: String(entry?.message ?? "is not valid"),
  }));
}
