import { Errors } from "moleculer";
import { AppError, isErrorCode, type PlainError } from "../lib/actions/errors.ts";

/** An error between nodes: ours by its type, Moleculer's by its name. Never a stack, a cause or a field nobody asked for. */
interface CrossingError {
  readonly name: string;
  readonly message: string;
  readonly type?: unknown;
  readonly code?: unknown;
  readonly data?: unknown;
  readonly retryable?: unknown;
  /** Where it happened: a breaker counts only what the called node did itself. */
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

function plain(error: CrossingError): PlainError | CrossingError {
  const { name, message, type, code, data, retryable } = error;
  if (error instanceof AppError)
    return { name: "AppError", type: error.type, message, data: error.data } satisfies PlainError;
  if (error instanceof Errors.MoleculerError) return { name, message, type, code, data: place(data), retryable };
  return new AppError("internal_error") as CrossingError;
}

function rebuilt(crossed: CrossingError): Error {
  if (crossed.name === "AppError" && isErrorCode(crossed.type)) {
    return new AppError(crossed.type, { message: crossed.message, ...(crossed.data as PlainError["data"]) });
  }
  return new Errors.Regenerator().restore({ ...crossed } as Errors.PlainMoleculerError, {});
}

/** Of a foreign error's data only where it happened. */
function place(data: unknown): unknown {
  const { action, nodeID, service } = (data ?? {}) as Record<string, unknown>;
  return { action, nodeID, service };
}
