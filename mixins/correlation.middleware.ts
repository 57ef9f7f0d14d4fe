import { withCorrelation } from "../lib/actions/correlation.ts";
import { wrapActions } from "./wrap-action.ts";

/** Log lines of an action carry the id of the request that caused it. */
export const correlationMiddleware = wrapActions("Correlation", (next) => (ctx) => {
  const id = ctx.meta.correlation_id ?? ctx.requestID;
  return typeof id === "string" ? withCorrelation(id, () => next(ctx)) : next(ctx);
});
