import { translateKnownError } from "../../../lib/actions/bus-errors.ts";
import { AppError, type ErrorCode, type FieldError } from "../../../lib/actions/errors.ts";

/** A Moleculer error from another team's service, of which nothing is certain. `code` is the HTTP status. */
interface ForeignError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly data?: unknown;
}

const CODE_BY_STATUS: ReadonlyMap<unknown, ErrorCode> = new Map([
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
const MAX_FIELD_ERRORS = 100;

/**
 * Translates what an action of another team's service has thrown. A client error (4xx) keeps its message, and its status if
 * there is an error code for it; otherwise it becomes 400. Any other error is returned as it is: a known one has its own
 * problem document, the rest become 500 `internal_error`.
 */
export function toExtensionError(error: unknown): unknown {
  if (translateKnownError(error)) return error;
  const { code, message, data } = (error ?? {}) as ForeignError;
  if (typeof code !== "number" || code < 400 || code > 499) return error;
  return new AppError(CODE_BY_STATUS.get(code) ?? "bad_request", {
    ...(typeof message === "string" && message !== "" && { message: message.slice(0, MAX_MESSAGE_LENGTH) }),
    ...(code === 422 && { errors: readFieldErrors(data) }),
  });
}

/** Reads the data of an error of Moleculer's validator: `[{ field, type, message }]`. */
function readFieldErrors(data: unknown): FieldError[] {
  if (!Array.isArray(data)) return [];
  return data.slice(0, MAX_FIELD_ERRORS).map((entry: Readonly<Record<string, unknown>> | null) => ({
    field: String(entry?.field ?? ""),
    code: String(entry?.type ?? "invalid"),
    message: String(entry?.message ?? "is not valid"),
  }));
}
