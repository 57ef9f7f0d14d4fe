/**
 * The error catalogue. Codes are stable and public; texts are shown to clients. The cause of an error is logged and never sent to
 * the client.
 */
const catalogue = {
  // 400
  invalid_json: [400, "The request body is not valid JSON."],
  bad_request: [400, "The request is malformed."],
  one_time_token_invalid: [400, "This link is invalid or has expired. Request a new one."],
  oauth_state_invalid: [
    400,
    "This sign-in was started in another browser, was already completed, or took more than ten minutes. Start again.",
  ],
  oauth_failed: [400, "The provider did not confirm your identity. Start again."],
  oauth_code_invalid: [400, "This code is invalid or has expired. Start again."],
  // 401 (RFC 6750 section 3, RFC 9470)
  token_missing: [401, "No access token was sent. Sign in first."],
  token_invalid: [401, "The access token is invalid."],
  token_expired: [401, "The access token has expired. Refresh it and retry."],
  token_stale: [401, "Your account has changed since this access token was issued. Refresh it and retry."],
  session_ended: [401, "This session has ended. Sign in again."],
  step_up_required: [401, "This action requires a recent sign-in. Sign in again."],
  invalid_credentials: [401, "The email, username or password is incorrect."],
  refresh_token_invalid: [401, "The refresh token is invalid. Sign in again."],
  token_superseded: [401, "A newer refresh token has been issued. Use that one."],
  token_reused: [401, "This refresh token was already used. The session has ended; sign in again."],
  // 402, 403
  premium_required: [402, "This feature requires a premium subscription."],
  forbidden: [403, "You do not have permission to do this."],
  account_disabled: [403, "This account is disabled."],
  password_required: [403, "Enter the password of your account to confirm this address, or sign in first."],
  email_not_verified: [403, "Verify your email address first."],
  registration_closed: [403, "This tenant does not accept this registration. Ask its administrator for an invitation."],
  csrf_failed: [403, "The CSRF token is missing or incorrect."],
  // 404, 405
  not_found: [404, "The requested resource was not found."],
  method_not_allowed: [405, "This resource does not support that method."],
  // 408
  request_timeout: [408, "The request did not arrive in time."],
  // 409, 410
  email_taken: [409, "An account with this email already exists."],
  username_taken: [409, "An account with this username already exists."],
  identity_taken: [409, "This provider identity is already linked to another account."],
  last_sign_in_method: [409, "This is your only way to sign in. Set a password or link another provider first."],
  role_exists: [409, "A role with this name already exists."],
  slug_taken: [409, "A tenant with this slug already exists."],
  last_admin: [409, "This is the tenant's last administrator. Assign the role to another active account first."],
  tenant_limit_reached: [409, "This tenant has reached its account limit."],
  webhook_limit_reached: [409, "This tenant has reached its webhook limit. Delete one first."],
  webhook_disabled: [409, "This webhook is disabled. Enable it first."],
  request_in_progress: [409, "A request with this Idempotency-Key is still in progress. Retry in a moment."],
  conflict: [409, "The resource has changed in the meantime. Read it again and retry."],
  tenant_erased: [410, "This tenant has been deleted and its data is being erased."],
  account_erased: [410, "This account has been erased."],
  // 412, 413, 415, 422
  precondition_failed: [412, "This has been changed since you read it. Read it again and repeat your change."],
  payload_too_large: [413, "The request body is too large."],
  unsupported_media_type: [415, "Send the request body as application/json."],
  validation_failed: [422, "Some fields are not valid."],
  mail_refused: [422, "The mail server permanently rejected this message."],
  push_refused: [422, "The push service permanently rejected this message."],
  idempotency_key_reused: [422, "This Idempotency-Key was already used with a different body."],
  // 429, 431
  rate_limited: [429, "Too many requests. Try again later."],
  mail_deferred: [429, "The mail server deferred this message. Retry later."],
  too_many_attempts: [429, "Too many attempts. Try again later or reset your password."],
  headers_too_large: [431, "Request headers are too large."],
  // 5xx
  internal_error: [500, "Something went wrong on our side."],
  service_unavailable: [503, "The service is temporarily unavailable. Try again in a moment."],
  overloaded: [503, "The service is busy. Try again in a moment."],
  revocation_pending: [
    503,
    "The change was saved but not yet confirmed by every node. Retry with the same Idempotency-Key.",
  ],
  mail_unavailable: [503, "The mail server is unavailable."],
  push_unavailable: [503, "The push service is unavailable."],
} as const satisfies Record<string, readonly [status: number, text: string]>;

export type ErrorCode = keyof typeof catalogue;

/** One field that failed validation. `field` is a dotted path into the body, `""` for the body itself. */
export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

export interface ErrorDetails {
  /** Replaces the catalogue's text. Shown to clients. */
  readonly message?: string;
  readonly errors?: readonly FieldError[];
  /** Seconds, becomes `Retry-After`. */
  readonly retry_after?: number;
  readonly cause?: unknown;
}

/** The part of an error that crosses the bus; everything else stays on the node where it occurred. */
export interface PlainError {
  readonly name: "AppError";
  readonly type: ErrorCode;
  readonly message: string;
  readonly data: { readonly errors?: readonly FieldError[]; readonly retry_after?: number };
}

/** The only error class that crosses the bus. `type` identifies the error on both sides, `status` is its HTTP status. */
export class AppError extends Error {
  readonly type: ErrorCode;
  readonly code: number;
  readonly status: number;
  readonly data: PlainError["data"];
  /** Read by Moleculer's retry middleware: the bus never retries our errors, callers decide themselves. */
  readonly retryable = false;

  constructor(type: ErrorCode, details: ErrorDetails = {}) {
    super(details.message ?? catalogue[type][1], { cause: details.cause });
    this.name = "AppError";
    this.type = type;
    this.status = catalogue[type][0];
    this.code = this.status;
    this.data = {
      ...(details.errors && { errors: details.errors }),
      ...(details.retry_after !== undefined && { retry_after: details.retry_after }),
    };
  }
}

/** True for an error of one of these types, whether thrown here or rebuilt from another node's answer. */
export function isError(error: unknown, ...types: ErrorCode[]): error is AppError {
  return error instanceof AppError && types.includes(error.type);
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && Object.hasOwn(catalogue, text);
}

export function statusOf(type: ErrorCode): number {
  return catalogue[type][0];
}

/** The `code` sent to clients. All kinds of invalid tokens share one: the client knows which kind it sent. */
export function publicCode(type: ErrorCode): string {
  return type.endsWith("_token_invalid") ? "token_invalid" : type;
}

/** A 422 for one field. */
export function fieldError(field: string, code: string, message: string): AppError {
  return new AppError("validation_failed", { errors: [{ field, code, message }] });
}
