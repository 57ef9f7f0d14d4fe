import { Errors } from "moleculer";
import { UnknownKeyError } from "../crypto/key-ring.ts";
import { OverloadedError } from "../runtime/bulkhead.ts";
import { AppError } from "./errors.ts";

/** Moleculer's own errors: no node accepted the call, or none responded. */
const busErrors = [
  Errors.ServiceNotFoundError,
  Errors.ServiceNotAvailableError,
  Errors.RequestTimeoutError,
  Errors.RequestRejectedError,
  Errors.RequestSkippedError,
  Errors.QueueIsFullError,
  Errors.BrokerDisconnectedError,
] as const;
const busErrorNames = new Set<string>(busErrors.map((type) => type.name));

/** True if the bus failed, not the action. Compares names, because an error from another node may have lost its class. */
export function isBusError(error: unknown): error is Errors.MoleculerError {
  return error instanceof Error && !(error instanceof AppError) && busErrorNames.has(error.name);
}

/** True if the node or the bus failed before a response. A timeout is not: retrying it doubles the load on a slow node. */
export function isNodeGone(error: unknown): boolean {
  return isBusError(error) && !["RequestTimeoutError", "QueueIsFullError", "RequestSkippedError"].includes(error.name);
}

/**
 * True if the error means that the called endpoint is unhealthy. A node or bus that is gone needs no breaker: calls to it
 * fail immediately, and must succeed as soon as it is back. `overloaded` already sheds load, and after
 * `revocation_pending` the change is saved.
 */
export function countsForBreaker(error: unknown): boolean {
  if (isBusError(error)) return !["BrokerDisconnectedError", "RequestRejectedError"].includes(error.name);
  if (!(error instanceof AppError)) return ((error as { code?: unknown }).code as number) >= 500;
  return error.status >= 500 && error.type !== "overloaded" && error.type !== "revocation_pending";
}

/** The `AppError` for a known error; undefined for an unexpected one, which must not be shown to clients. */
export function translateKnownError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (isBusError(error)) {
    // Without a response in time the node may be busy; whether it is gone, its heartbeats tell.
    const type = error.name === "RequestTimeoutError" ? "overloaded" : "service_unavailable";
    return new AppError(type, { retry_after: 1, cause: error });
  }
  if (error instanceof OverloadedError) return new AppError("overloaded", { retry_after: 1, cause: error });
  if (error instanceof UnknownKeyError) return new AppError("service_unavailable", { retry_after: 5, cause: error });
  return undefined;
}
