import { withCorrelation } from "../../lib/actions/correlation.ts";
import { wrapActions } from "./wrap-action.ts";

/** Log entries of an action have the correlation id of the request that caused it. */
export const correlationMiddleware = wrapActions("Correlation", (next) => (ctx) => {
  const id = ctx.meta.correlation_id ?? ctx.requestID;
  return typeof id === "string" ? withCorrelation(id, () => next(ctx)) : next(ctx);
});
