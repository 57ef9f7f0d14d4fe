import type { Middleware } from "moleculer";
import type { Tracing } from "../../lib/observability/tracing.ts";
import { wrapActions } from "./wrap-action.ts";

type Headers = Readonly<Record<string, string>>;
type CallNext = (action: string, params: unknown, options?: { readonly headers?: Headers }) => Promise<unknown>;

/** A span at the caller and one at the node that answers. The trace travels in the headers of the call. */
export function tracingMiddleware(tracing: Tracing): Middleware {
  return {
    ...wrapActions("Tracing", (next, action) => {
      if (action.startsWith("$")) return next;
      return (ctx) => {
        const { traceparent } = (ctx as unknown as { readonly headers?: Headers }).headers ?? {};
        // Without a traceparent, the call is not part of a trace.
        if (typeof traceparent !== "string") return next(ctx);
        const attributes = { "usermesh.correlation_id": String(ctx.meta.correlation_id ?? "") };
        return tracing.run({ name: action, kind: "internal", attributes, parent: traceparent }, () => next(ctx));
      };
    }),
    // The promise itself is returned, because Moleculer reads the property `ctx` of it.
    call(next: unknown) {
      const call = next as CallNext;
      return ((action, params, options = {}) => {
        if (tracing.current() === undefined) return call(action, params, options);
        let promise: Promise<unknown> | undefined;
        const spec = { name: `call ${action}`, kind: "client" } as const;
        void tracing
          .run(spec, () => {
            promise = call(action, params, { ...options, headers: traceHeaders(options.headers, tracing) });
            return promise;
          })
          .catch(() => undefined);
        return promise as Promise<unknown>;
      }) satisfies CallNext as never;
    },
  } as Middleware;
}

function traceHeaders(headers: Headers | undefined, tracing: Tracing): Headers {
  const traceparent = tracing.current();
  return { ...headers, ...(traceparent !== undefined && { traceparent }) };
}
