/**
 * The one error catalogue. A code is stable and public; the text is what a client may read.
 * The cause of an error goes to the log and never to the client.
 */
const catalogue = {
  // 400
  invalid_json: [400, "The body is not valid JSON."],
  bad_request: [400, "The request is malformed."],
  link_invalid: [400, "This link is not valid any more. Ask for a new one."],
  oauth_state_invalid: [
    400,
    "This sign-in was not begun in this browser, is finished already, or took more than ten minutes. Begin again.",
  ],
  oauth_failed: [400, "The provider did not confirm who you are. Begin again."],
  oauth_code_invalid: [400, "This code is not valid any more. Begin again."],
  // 401 (RFC 6750 section 3, RFC 9470)
  token_missing: [401, "Sign in first: no access token was sent."],
  token_invalid: [401, "The access token is not valid."],
  token_expired: [401, "The access token has expired. Refresh it and go on."],
  token_stale: [401, "Your account has changed since this token was issued. Refresh it and go on."],
  session_ended: [401, "This session has ended. Sign in again."],
  step_up_required: [401, "Sign in again to do this."],
  invalid_credentials: [401, "The email, username or password is wrong."],
  refresh_token_invalid: [401, "The refresh token is not valid. Sign in again."],
  token_superseded: [401, "A newer refresh token has been issued. Use that one."],
  token_reused: [401, "This refresh token was used before. The session has ended; sign in again."],
  // 402, 403
  premium_required: [402, "This needs a premium subscription."],
  forbidden: [403, "You may not do this."],
  account_disabled: [403, "This account is disabled."],
  email_not_verified: [403, "Verify your email address first."],
  csrf_failed: [403, "The CSRF token is missing or wrong."],
  // 404, 405
  not_found: [404, "There is nothing here."],
  method_not_allowed: [405, "This path does not take that method."],
  // 408
  request_timeout: [408, "The request did not arrive in time."],
  // 409, 410
  email_taken: [409, "An account with this email exists."],
  username_taken: [409, "An account with this username exists."],
  identity_taken: [409, "This identity of the provider is linked to another account."],
  last_sign_in_method: [409, "This is your only way to sign in. Set a password or link another provider first."],
  role_exists: [409, "A role of this name exists."],
  slug_taken: [409, "A tenant with this slug exists."],
  last_admin: [409, "Nobody else has this account's reserved roles: give them to another active account first."],
  tenant_full: [409, "This tenant has all the accounts that it may have."],
  request_in_progress: [409, "A request with this idempotency key is still running. Try again in a moment."],
  conflict: [409, "The resource has changed meanwhile. Read it again and repeat."],
  user_erased: [410, "This account has been erased."],
  // 413, 415, 422
  payload_too_large: [413, "The body is too large."],
  unsupported_media_type: [415, "Send the body as application/json."],
  validation_failed: [422, "Some fields are not valid."],
  mail_refused: [422, "The mail server refuses this message for good."],
  push_refused: [422, "The push service refuses this message for good."],
  idempotency_key_reused: [422, "This idempotency key was used with another body."],
  // 429, 431
  rate_limited: [429, "Too many requests. Try again later."],
  mail_deferred: [429, "The mail server asks to send this message later."],
  too_many_attempts: [429, "Too many attempts. Try again later, or reset the password."],
  headers_too_large: [431, "The head of the request is too large."],
  // 5xx
  internal_error: [500, "Something went wrong on our side."],
  service_unavailable: [503, "The service is not available right now. Try again in a moment."],
  overloaded: [503, "The service is busy. Try again in a moment."],
  revocation_pending: [
    503,
    "The change is made, but what it ends may pass for a moment yet. To wait for that, repeat the request with its Idempotency-Key; without one it may be refused, because the change is made.",
  ],
  mail_unavailable: [503, "The mail server is not available."],
  push_unavailable: [503, "The push service is not available."],
} as const satisfies Record<string, readonly [status: number, text: string]>;

export type ErrorCode = keyof typeof catalogue;

/** One field that did not validate. `field` is a dotted path into the body, `""` for the body itself. */
export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

export interface ErrorDetails {
  /** Replaces the catalogue's text. Must be fit for a client. */
  readonly message?: string;
  readonly errors?: readonly FieldError[];
  /** Seconds, becomes `Retry-After`. */
  readonly retry_after?: number;
  readonly cause?: unknown;
}

/** What crosses the bus of an error; everything else stays on the node where it happened. */
export interface PlainError {
  readonly name: "AppError";
  readonly type: ErrorCode;
  readonly message: string;
  readonly data: { readonly errors?: readonly FieldError[]; readonly retry_after?: number };
}

/** The one error family. `code` tells it apart on both sides of the bus, `status` is its HTTP status. */
export class AppError extends Error {
  readonly type: ErrorCode;
  readonly code: number;
  readonly status: number;
  readonly data: PlainError["data"];
  /** Moleculer's retry reads this; ours are retried by whom they concern, never by the bus. */
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

/** Is this the error `type`, thrown here or rebuilt from another node? */
export function isError(error: unknown, ...types: ErrorCode[]): error is AppError {
  return error instanceof AppError && types.includes(error.type);
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && Object.hasOwn(catalogue, text);
}

/** The `code` a client reads. Bad tokens of every kind share one: it knows which it sent. */
export function publicCode(type: ErrorCode): string {
  return type === "link_invalid" || type === "refresh_token_invalid" ? "token_invalid" : type;
}

/** A 422 for one field. */
export function fieldError(field: string, code: string, message: string): AppError {
  return new AppError("validation_failed", { errors: [{ field, code, message }] });
}
