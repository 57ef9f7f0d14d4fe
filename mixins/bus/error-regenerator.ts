import { Errors } from "moleculer";
import { AppError, isErrorCode, type PlainError } from "../../lib/actions/errors.ts";

/** An error as it crosses the bus: without stack, cause and other fields. */
interface CrossingError {
  readonly name: string;
  readonly message: string;
  readonly type?: unknown;
  readonly code?: unknown;
  readonly data?: unknown;
  readonly retryable?: unknown;
  /** Where the error occurred: circuit breakers only count errors of the called node itself. */
  readonly nodeID?: string;
}

export class ErrorRegenerator extends Errors.Regenerator {
  override extractPlainError(error: CrossingError): Errors.PlainMoleculerError {
    const { broker } = this as unknown as { broker: { nodeID: string } };
    const nodeID = error.nodeID ?? broker.nodeID;
    return { ...plain(error), nodeID } as Errors.PlainMoleculerError;
  }

  override restore(crossed: CrossingError, payload: { readonly sender?: string }): Error {
    const error = rebuilt(crossed);
    return Object.assign(error, { nodeID: crossed.nodeID ?? payload.sender });
  }
}

/** Sends the status as `code` for nodes with Moleculer's own regenerator; ours takes the status from the error catalogue. */
function plain(error: CrossingError): (PlainError & { readonly code: number }) | CrossingError {
  const { name, message, type, code, data, retryable } = error;
  if (error instanceof AppError)
    return { name: "AppError", type: error.type, message, code: error.code, data: error.data };
  if (error instanceof Errors.MoleculerError) return { name, message, type, code, data: locationOf(data), retryable };
  return new AppError("internal_error") as CrossingError;
}

function rebuilt(crossed: CrossingError): Error {
  if (crossed.name === "AppError" && isErrorCode(crossed.type)) {
    return new AppError(crossed.type, { message: crossed.message, ...(crossed.data as PlainError["data"]) });
  }
  return new Errors.Regenerator().restore({ ...crossed } as Errors.PlainMoleculerError, {});
}

/** The only data of a Moleculer error that may cross the bus: where it occurred. */
function locationOf(data: unknown): unknown {
  const { action, nodeID, service } = (data ?? {}) as Record<string, unknown>;
  return { action, nodeID, service };
}
