import type { Caller, UserCaller } from "../../../lib/actions/caller.ts";
import { AppError } from "../../../lib/actions/errors.ts";

/** The contract lets nobody else in; this tells the compiler. */
export function requireUser(caller: Caller): UserCaller {
  if (caller.kind === "user") return caller;
  throw new AppError("token_missing");
}
