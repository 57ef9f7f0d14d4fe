import type { UserCaller } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";
import type { ActionContext } from "../../../lib/actions/typed-call.ts";

/** The access check lets nobody else in; the type has to be told. */
export function requireUser({ caller }: Pick<ActionContext, "caller">): UserCaller {
  if (caller.kind !== "user") throw new AppError("token_missing");
  return caller;
}
