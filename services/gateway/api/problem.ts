import { translateKnownError } from "../../../lib/actions/bus-errors.ts";
import { AppError, type ErrorCode, publicCode } from "../../../lib/actions/errors.ts";
import type { RequestContext } from "../http/request-context.ts";
import type { HttpResponse } from "../http/response.ts";

/** Converts whatever was thrown. An unknown error becomes 500 `internal_error`, and none of it is shown to the client. */
export function toAppError(error: unknown): AppError {
  return translateKnownError(error) ?? new AppError("internal_error", { cause: error });
}

/** A problem document (RFC 9457), with the members `success` and `message` that clients of earlier systems read. */
export function problemResponse(
  error: AppError,
  { path, correlationId }: Pick<RequestContext, "path" | "correlationId">,
): HttpResponse {
  const code = publicCode(error.type);
  const body = {
    type: `urn:usermesh:problem:${code}`,
    title: toTitle(code),
    status: error.status,
    detail: error.message,
    instance: path,
    success: false,
    message: error.message,
    code,
    ...(error.data.errors && { errors: error.data.errors }),
    correlation_id: correlationId,
  };
  return {
    status: error.status,
    contentType: "application/problem+json",
    body: JSON.stringify(body),
    headers: errorHeaders(error, code),
  };
}

function toTitle(code: string): string {
  const words = code.replaceAll("_", " ");
  return words[0]?.toUpperCase() + words.slice(1);
}

function errorHeaders(error: AppError, code: string): string[] {
  if (error.status === 401) return ["WWW-Authenticate", challenge(error.type, code)];
  if (error.status !== 429 && error.status !== 503) return [];
  return ["Retry-After", String(Math.max(1, Math.ceil(error.data.retry_after ?? 1)))];
}

const TOKEN_ERRORS: readonly ErrorCode[] = ["token_invalid", "token_expired", "token_stale", "session_ended"];

/** RFC 6750 section 3, RFC 9470 section 3. */
function challenge(type: ErrorCode, code: string): string {
  if (type === "step_up_required") return 'Bearer realm="usermesh", error="insufficient_user_authentication"';
  if (TOKEN_ERRORS.includes(type)) return `Bearer realm="usermesh", error="invalid_token", error_description="${code}"`;
  return 'Bearer realm="usermesh"';
}
