import { AppError } from "../actions/errors.ts";

interface PostgresError {
  readonly code?: unknown;
  readonly constraint?: unknown;
  readonly driverError?: { readonly code?: unknown; readonly constraint?: unknown };
}

/** SQLSTATE of a database error, however TypeORM has wrapped it. */
export function sqlState(error: unknown): string | undefined {
  const { code, driverError } = (error ?? {}) as PostgresError;
  const state = driverError?.code ?? code;
  return typeof state === "string" ? state : undefined;
}

/** Name of the unique constraint that a row broke, else undefined. */
export function violatedConstraint(error: unknown): string | undefined {
  if (sqlState(error) !== "23505") return undefined;
  const { constraint, driverError } = error as PostgresError;
  return String(driverError?.constraint ?? constraint ?? "");
}

/**
 * A database that is away, too slow, or busy with the same rows is a 503 and not a bug of ours.
 * Classes 08, 53, 57, lock and statement time-outs, serialization (PostgreSQL appendix A); Node's socket errors.
 * The original goes into `cause`, without its parameters: a QueryFailedError carries the values of the query.
 */
export function translateDatabaseError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const state = sqlState(error);
  if (state !== undefined && isTransient(state))
    return new AppError("service_unavailable", { retry_after: 1, cause: withoutParameters(error) });
  if (error instanceof Error && passingMessages.test(error.message)) {
    return new AppError("service_unavailable", { retry_after: 1, cause: withoutParameters(error) });
  }
  return error instanceof Error && "parameters" in error ? withoutParameters(error) : error;
}

const passingMessages =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|DataSource is not|Query runner already released|Driver not Connected/i;

function isTransient(state: string): boolean {
  return /^(08|53|57P0|25P03|55P03|57014|40001|40P01|ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|EAI_AGAIN)/.test(state);
}

function withoutParameters(error: unknown): Error {
  const { message, stack } = error as Error;
  const bare = new Error(message);
  bare.name = "DatabaseError";
  if (stack !== undefined) bare.stack = stack;
  return Object.assign(bare, { sqlState: sqlState(error), constraint: violatedConstraint(error) });
}
