import { setTimeout as delay } from "node:timers/promises";
import type { Middleware, Service, ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { wrapActions } from "./wrap-action.ts";

const POLL_MS = 20;

/**
 * Moleculer stops all services at once, so that a request in flight meets a closed database. Here those that take work from
 * outside stop first, then what runs may finish, at most for `limitMs`, then the rest stops. That this node leaves was told
 * to the others before.
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
    },
  };
}

async function stopAll(broker: ServiceBroker, isOne: (service: Service) => boolean): Promise<void> {
  await Promise.all(broker.services.filter(isOne).map((service) => broker.destroyService(service)));
}

function isGateway({ name }: Service): boolean {
  return name === "gateway";
}

function isWorker({ name }: Service): boolean {
  return name.startsWith("worker-");
}
