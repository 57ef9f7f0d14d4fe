import { AppError } from "./errors.ts";
import type { ActionContext } from "./typed-call.ts";

/** The entity tag of a resource (RFC 9110 section 8.8.3): the time of its latest change, in ISO 8601. */
export function entityTag(updatedAt: string): string {
  return `"${updatedAt}"`;
}

/**
 * 412 `precondition_failed` if the client has sent `If-Match` and the resource has changed since it read it (RFC 9110 section
 * 13.1.1). To be called with the resource locked.
 */
export function assertUnchanged({ ifMatch }: Pick<ActionContext, "ifMatch">, updatedAt: Date): void {
  if (ifMatch !== undefined && !ifMatch.includes(entityTag(updatedAt.toISOString())))
    throw new AppError("precondition_failed");
}
