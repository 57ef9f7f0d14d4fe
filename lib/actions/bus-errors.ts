import { Errors } from "moleculer";
import { UnknownKeyError } from "../crypto/key-ring.ts";
import { OverloadedError } from "../runtime/bulkhead.ts";
import { AppError } from "./errors.ts";

/** Nobody took the call, or nobody answered it: Moleculer's own errors. */
const away = [
  Errors.ServiceNotFoundError,
  Errors.ServiceNotAvailableError,
  Errors.RequestTimeoutError,
  Errors.RequestRejectedError,
  Errors.RequestSkippedError,
  Errors.QueueIsFullError,
  Errors.BrokerDisconnectedError,
] as const;
const names = new Set(away.map((type) => type.name));

/** Did the bus fail, and not the action? By name: across the bus a class may be lost. */
export function isBusError(error: unknown): error is Errors.MoleculerError {
  return error instanceof Error && !(error instanceof AppError) && names.has(error.name);
}

/** The node went away, or the bus broke, before an answer came. Not a time-out: repeating that doubles the load of what is slow. */
export function isNodeGone(error: unknown): boolean {
  return isBusError(error) && !["RequestTimeoutError", "QueueIsFullError", "RequestSkippedError"].includes(error.name);
}

/**
 * Does this speak against the endpoint that was called? A node or bus that is gone needs no breaker: its calls fail at once,
 * and must succeed at once when it is back. `overloaded` sheds load by itself, `revocation_pending` is an answer.
 */
export function countsForBreaker(error: unknown): boolean {
  if (isBusError(error)) return !["BrokerDisconnectedError", "RequestRejectedError"].includes(error.name);
  if (!(error instanceof AppError)) return ((error as { code?: unknown }).code as number) >= 500;
  return error.status >= 500 && error.type !== "overloaded" && error.type !== "revocation_pending";
}

/** What an action answers in place of an error that is not ours. Undefined: it is a fault, and nobody outside may read it. */
export function translateKnownError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (isBusError(error)) return new AppError("service_unavailable", { retry_after: 1, cause: error });
  if (error instanceof OverloadedError) return new AppError("overloaded", { retry_after: 1, cause: error });
  if (error instanceof UnknownKeyError) return new AppError("service_unavailable", { retry_after: 5, cause: error });
  return undefined;
}
