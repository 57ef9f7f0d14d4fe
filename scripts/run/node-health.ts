import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import type { Registry } from "prom-client";
import type { Config } from "../../lib/config/config.ts";
import { isOnBus } from "../../lib/runtime/moleculer-internals.ts";
import { createOperatorGuard } from "../../services/gateway/auth/operator-guard.ts";

/**
 * Serves `/health/live`, `/health/ready` and `/metrics` of a node without a gateway. It is not ready any more as soon as it
 * stops. With OPERATOR_TOKEN, the metrics are for this machine and for requests with the token, as at the gateway.
 */
export async function serveNodeHealth(
  broker: ServiceBroker,
  registry: Registry,
  config: Config,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<() => Promise<void>> {
  const guard = createOperatorGuard(config);
  const server = createServer((request, response) => {
    if (request.url === "/metrics") {
      if (config.operatorToken !== undefined && !guard.allows(request))
        return void response.writeHead(401, { "www-authenticate": "Bearer" }).end();
      return void sendMetrics(registry, response);
    }
    const status = statusOf(broker, request.url ?? "");
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

function statusOf(broker: ServiceBroker, path: string): 200 | 404 | 503 {
  if (path === "/health/live") return 200;
  if (path !== "/health/ready") return 404;
  return broker.started && !broker.stopping && isOnBus(broker) ? 200 : 503;
}
