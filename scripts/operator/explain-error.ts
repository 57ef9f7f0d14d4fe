import { isBusError } from "../../lib/actions/bus-errors.ts";
import { AppError } from "../../lib/actions/errors.ts";
import { withoutControls } from "./table.ts";

/** A refusal or failure as one line that says what is missing. */
export function explainError(error: unknown): string {
  return withoutControls(textOf(error));
}

function textOf(error: unknown): string {
  if (error instanceof AppError) return textOfAppError(error);
  if (isBusError(error)) return textOfBusError(error);
  return error instanceof Error ? error.message : String(error);
}

function textOfAppError({ message, data: { errors = [] } }: AppError): string {
  if (errors.length === 0) return message;
  return `${errors.map((one) => `${one.field || "the parameters"} ${one.message}`).join("; ")}.`;
}

function textOfBusError(error: Error & { readonly data?: unknown }): string {
  const { action = "", nodeID = "" } = (error.data ?? {}) as { readonly action?: string; readonly nodeID?: string };
  const service = action.split(".").slice(0, -1).join(".");
  switch (error.name) {
    case "ServiceNotFoundError":
      return `There is no action ${action}${nodeID ? ` on ${nodeID}` : ""}: no node runs the service ${service}, or it has no such action. \`nodes\` shows what runs.`;
    case "ServiceNotAvailableError":
      return `No node answers ${action} now: its nodes are gone or their circuit breakers are open. \`breakers\` shows them.`;
    case "RequestTimeoutError":
      return `${action} did not answer in time. A change may have been made; look before you repeat it.`;
    case "BrokerDisconnectedError":
      return "The connection to the mesh is lost. It is restored by itself once the mesh can be reached.";
    default:
      return error.message;
  }
}
