import type { Middleware } from "moleculer";
import type { Logger } from "pino";
import { translateKnownError } from "../../lib/actions/bus-errors.ts";
import { AppError } from "../../lib/actions/errors.ts";
import { wrapActions } from "./wrap-action.ts";

/**
 * Actions only fail with an `AppError`. Any other error is logged with its stack on the node where it occurred, and
 * becomes `internal_error`, in one process as across the bus.
 */
export function errorMiddleware(log: Logger): Middleware {
  return wrapActions("Errors", (next, action) => async (ctx) => {
    try {
      return await next(ctx);
    } catch (error) {
      const known = translateKnownError(error);
      if (known) throw known;
      log.error({ action, correlation_id: ctx.meta.correlation_id ?? ctx.requestID, err: error }, "action failed");
      throw new AppError("internal_error", { cause: error });
    }
  });
}
