import { once } from "node:events";
import type { Tracing } from "../../../lib/observability/tracing.ts";
import type { Exchange } from "./exchange.ts";

/** A span from the headers of a request until its response is sent, which continues the trace of a client that has one (W3C). */
export function createRequestTrace(tracing: Tracing) {
  return (exchange: Exchange, serve: () => Promise<void>): Promise<void> => {
    const { request, response, correlationId } = exchange;
    const method = request.method ?? "";
    const { traceparent } = request.headers;
    const parent = typeof traceparent === "string" ? traceparent : undefined;
    const spec = { name: method, kind: "server", parent } as const;
    return tracing.run(spec, async (span) => {
      const closed = once(response, "close");
      await serve();
      await closed;
      span.describe(`${method} ${exchange.metrics.route}`, {
        "http.request.method": method,
        "http.route": exchange.metrics.route,
        "http.response.status_code": response.statusCode,
        "usermesh.correlation_id": correlationId,
      });
    });
  };
}
