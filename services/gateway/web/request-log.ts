import type { Logger } from "pino";
import type { Clock } from "../../../lib/runtime/clock.ts";
import type { Exchange } from "./exchange.ts";

/** Asked every few seconds by probes and by Prometheus. */
const ROUTINE: ReadonlySet<string> = new Set(["/health", "/health/live", "/health/ready", "/metrics"]);

/**
 * One line for each request: at `info`, or at `debug` for probes, the files of pages and health checks. It has the path alone,
 * because the query may contain a mailed token, and the client's address at `debug` only (docs/data-rights.md).
 */
export function createRequestLog({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
  const isDebug = log.isLevelEnabled("debug");
  return (exchange: Exchange, status: number): void => {
    const { request, path, correlationId, startedAt, client, metrics, auth } = exchange;
    const { route } = metrics;
    const level = ROUTINE.has(route) || route === "/assets/{file}" ? "debug" : "info";
    if (!log.isLevelEnabled(level)) return;
    const caller = auth?.caller;
    const fields = {
      correlation_id: correlationId,
      method: request.method,
      route,
      status,
      milliseconds: Math.round((clock.monotonic() - startedAt) * 10) / 10,
      ...(caller?.kind === "user" && { user_id: caller.user_id }),
      ...(caller?.kind === "service" && { service: caller.name }),
      ...(isDebug && { path, ip: client.ip }),
    };
    log[level](fields, "request");
  };
}
