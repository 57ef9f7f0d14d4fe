import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import type { Registry } from "prom-client";
import { isOnBus, NODE_LEAVING } from "../../lib/runtime/moleculer-internals.ts";
import type { Platform } from "../../lib/runtime/platform.ts";
import { createOperatorGuard } from "../../services/gateway/auth/operator-guard.ts";

/**
 * Serves `/health/live`, `/health/ready` and `/metrics` of a node without a gateway. It is ready while it is on the bus and
 * its vital dependencies work, and stops being ready as soon as it shuts down. With OPERATOR_TOKEN, the metrics are
 * for this machine and for requests with the token, as at the gateway.
 */
export async function serveNodeHealth(
  broker: ServiceBroker,
  { config, metrics: { registry }, health }: Pick<Platform, "config" | "metrics" | "health">,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<() => Promise<void>> {
  const guard = createOperatorGuard(config);
  let isLeaving = false;
  broker.localBus.once(NODE_LEAVING, () => {
    isLeaving = true;
  });
  const server = createServer(async (request, response) => {
    if (request.url === "/metrics") {
      if (config.operatorToken !== undefined && !guard.isOperator(request))
        return void response.writeHead(401, { "www-authenticate": "Bearer" }).end();
      return void sendMetrics(registry, response);
    }
    const isWorking = request.url === "/health/ready" ? await health.isReady() : true;
    const status = statusOf(broker, isWorking && !isLeaving, request.url ?? "");
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify({ status: status === 200 ? "ok" : status === 404 ? "not_found" : "unavailable" }));
  });
  server.listen(port, host);
  await once(server, "listening");
  return async () => {
    server.closeAllConnections();
    server.close();
  };
}

async function sendMetrics(registry: Registry, response: ServerResponse): Promise<void> {
  const text = await registry.metrics().catch(() => undefined);
  response.writeHead(text === undefined ? 500 : 200, { "content-type": registry.contentType });
  response.end(text);
}

function statusOf(broker: ServiceBroker, isWorking: boolean, path: string): 200 | 404 | 503 {
  if (path === "/health/live") return 200;
  if (path !== "/health/ready") return 404;
  return broker.started && !broker.stopping && isWorking && isOnBus(broker) ? 200 : 503;
}
