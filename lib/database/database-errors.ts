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
 * A database that is unavailable, too slow, or busy with the same rows becomes a 503: SQLSTATE classes 08, 53, 57P0,
 * lock and statement timeouts, serialization failures (PostgreSQL appendix A), and socket errors of Node.js. The original
 * error is the cause, without its parameters, because a QueryFailedError contains the values of the query.
 */
export function translateDatabaseError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const state = sqlState(error);
  if (state !== undefined && isTransient(state))
    return new AppError("service_unavailable", { retry_after: 1, cause: withoutParameters(error) });
  if (error instanceof Error && transientMessages.test(error.message)) {
    return new AppError("service_unavailable", { retry_after: 1, cause: withoutParameters(error) });
  }
  return error instanceof Error && "parameters" in error ? withoutParameters(error) : error;
}

const transientMessages =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|DataSource is not|Query runner already released|Driver not Connected/i;

function isTransient(state: string): boolean {
  return /^(08|53|57P0|25P03|55P03|57014|40001|40P01|ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|EAI_AGAIN)/.test(state);
}

function withoutParameters(error: unknown): Error {
  const { message, stack } = error as Error;
  const copy = new Error(message);
  copy.name = "DatabaseError";
  if (stack !== undefined) copy.stack = stack;
  return Object.assign(copy, { sqlState: sqlState(error), constraint: violatedConstraint(error) });
}
