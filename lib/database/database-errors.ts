import { AppError } from "../actions/errors.ts";

interface PostgresError {
  readonly code?: unknown;
  readonly constraint?: unknown;
  readonly driverError?: { readonly code?: unknown; readonly constraint?: unknown };
}

/** SQLSTATE of a database error, whether or not TypeORM has wrapped it. */
export function sqlState(error: unknown): string | undefined {
  const { code, driverError } = (error ?? {}) as PostgresError;
  const state = driverError?.code ?? code;
  return typeof state === "string" ? state : undefined;
}

/** Name of the unique constraint that a row violates, otherwise undefined. */
export function violatedConstraint(error: unknown): string | undefined {
  if (sqlState(error) !== "23505") return undefined;
  const { constraint, driverError } = error as PostgresError;
  return String(driverError?.constraint ?? constraint ?? "");
}

/**
 * A database that is unavailable or too slow becomes a 503 `service_unavailable`. One that is busy becomes a 503
 * `overloaded`, which opens no circuit breaker: no free connection, too many of them (53300), lock and statement timeouts,
 * serialization failures. The original error is the cause, without its parameters, because a QueryFailedError contains the
 * values of the query.
 */
export function translateDatabaseError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const state = sqlState(error);
  const message = error instanceof Error ? error.message : "";
  const isBusy = (state !== undefined && BUSY_STATES.test(state)) || NO_FREE_CONNECTION.test(message);
  if (isBusy || isStaleStatement(error))
    return new AppError("overloaded", { retry_after: 1, cause: withoutParameters(error) });
  if ((state !== undefined && isTransient(error, state)) || UNAVAILABLE_MESSAGES.test(message))
    return new AppError("service_unavailable", { retry_after: 1, cause: withoutParameters(error) });
  return error instanceof Error && "parameters" in error ? withoutParameters(error) : error;
}

/** The table of a prepared statement was changed (0A000). The next attempt prepares it again. */
export function isStaleStatement(error: unknown): boolean {
  return sqlState(error) === "0A000" && /cached plan/.test((error as Error).message);
}

const BUSY_STATES = /^(?:53300|55P03|55006|57014|40001|40P01)$/;
/** Of a pool whose connections are all in use. A server that does not accept connections has other messages. */
const NO_FREE_CONNECTION = /timeout exceeded when trying to connect/i;
const UNAVAILABLE_MESSAGES =
  /Connection terminated|Client has encountered a connection error|DataSource is not|Query runner already released|Driver not Connected|Client was closed|server does not support SSL|PostgreSQL signed in|The connection is (?:not )?encrypted/i;

/**
 * SQLSTATE classes and codes (PostgreSQL, appendix A) of a server that is away, starting, stopping, out of resources or
 * failing (08, 53, 57P0, 58); of a standby that became reachable before it accepts writes (25006); of one that rejects the
 * role or the database while they are changed (28, 3D000); of a transaction whose outcome is unknown (40003).
 */
const TRANSIENT_STATES = /^(?:08|28|53|57P0|58|25006|25P03|3D000|40003)/;
/** Codes of Node.js for sockets, names and certificates. */
const TRANSIENT_CODES =
  /^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

function isTransient(error: unknown, state: string): boolean {
  // A socket's file is missing while its server is stopped; other missing files are faults of ours.
  if ((error as { syscall?: unknown }).syscall === "connect") return true;
  return TRANSIENT_STATES.test(state) || TRANSIENT_CODES.test(state);
}

function withoutParameters(error: unknown): Error {
  const { message, stack } = error as Error;
  const copy = new Error(message);
  copy.name = "DatabaseError";
  if (stack !== undefined) copy.stack = stack;
  return Object.assign(copy, { sqlState: sqlState(error), constraint: violatedConstraint(error) });
}
