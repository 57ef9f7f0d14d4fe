import { setTimeout as delay } from "node:timers/promises";
import type { Middleware, Service, ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { wrapActions } from "./wrap-action.ts";

const POLL_MS = 20;

/**
 * Moleculer's own graceful shutdown stops all services at once, so that running requests find a closed database. This one
 * stops the gateway and the workers first, waits up to `limitMs` for running calls, and then lets the others stop: sessions
 * last, because the holders of leases release them there when they stop. The other nodes already know that this node is
 * leaving.
 */
export function drainMiddleware(log: Logger, limitMs: number): Middleware {
  let running = 0;
  const counting = wrapActions("Drain", (next) => (ctx) => {
    running += 1;
    return next(ctx).finally(() => {
      running -= 1;
    });
  });
  return {
    ...counting,
    async stopping(broker) {
      await stopAll(broker, isGateway);
      await stopAll(broker, isWorker);
      const deadline = performance.now() + limitMs;
      while (running > 0 && performance.now() < deadline) await delay(POLL_MS);
      if (running > 0) log.warn({ calls: running }, "drain timed out with calls still running");
      await stopAll(broker, stopsBeforeSessions);
    },
  };
}

async function stopAll(broker: ServiceBroker, isOne: (service: Service) => boolean): Promise<void> {
  await Promise.all(broker.services.filter(isOne).map((service) => broker.destroyService(service)));
}

function isGateway({ name }: Service): boolean {
  return name === "gateway";
}

/** All except sessions and Moleculer's own services, whose names start with `$`. */
function stopsBeforeSessions({ name }: Service): boolean {
  return name !== "sessions" && !name.startsWith("$");
}

function isWorker({ name }: Service): boolean {
  return name.startsWith("worker-");
}
