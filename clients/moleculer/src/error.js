import { Errors } from "moleculer";

/** A call that failed. `code` is one of the error catalogue, `status` the one that the HTTP API answers with it. */
export class UsermeshError extends Error {
  constructor(code, status, message, { errors = [], retryAfter = null, cause } = {}) {
    super(message, { cause });
    this.name = "UsermeshError";
    this.code = code;
    this.status = status;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/** The names of Moleculer's errors when no node offers the action, or none answers in time. */
const unavailable = new Set([
  "ServiceNotFoundError",
  "ServiceNotAvailableError",
  "RequestTimeoutError",
  "RequestRejectedError",
  "RequestSkippedError",
  "QueueIsFullError",
  "BrokerDisconnectedError",
]);

export function toUsermeshError(action, error) {
  // Thrown by an action of this process.
  if (error instanceof UsermeshError) return error;
  if (unavailable.has(error.name)) {
    const message = `${action} is unavailable: ${error.message}`;
    return new UsermeshError("service_unavailable", 503, message, { retryAfter: 1, cause: error });
  }
  if (error.name !== "AppError") return new UsermeshError("internal_error", 500, error.message, { cause: error });
  const { errors, retry_after: retryAfter } = error.data ?? {};
  return new UsermeshError(error.type, error.code, error.message, { errors, retryAfter, cause: error });
}

/** Moleculer sends only some fields of an error. A `UsermeshError` that an action throws crosses the bus as an error of Usermesh. */
export class ErrorRegenerator extends Errors.Regenerator {
  extractPlainError(error, payload) {
    const plain = super.extractPlainError(error, payload);
    if (!(error instanceof UsermeshError)) return plain;
    const { code: type, status: code, errors, retryAfter } = error;
    const data = { ...(errors.length > 0 && { errors }), ...(retryAfter !== null && { retry_after: retryAfter }) };
    return { ...plain, name: "AppError", type, code, data };
  }
}
