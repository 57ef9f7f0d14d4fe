import { setTimeout as sleep } from "node:timers/promises";
import { type BrokerOptions, ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import type { Config } from "../../lib/config/config.ts";
import { registerBrokerMetrics } from "../../lib/observability/metrics.ts";
import { createPlatform } from "../../lib/runtime/create-platform.ts";
import { NODE_LEAVING } from "../../lib/runtime/moleculer-internals.ts";
import type { DevMailbox, Platform } from "../../lib/runtime/platform.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { loadService, selectServices } from "./service-files.ts";

interface NodeOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Names as in SERVICES; empty: all. */
  readonly services: readonly string[];
  readonly mailbox?: DevMailbox | undefined;
  /** Of a mesh without NATS. */
  readonly transporter?: BrokerOptions["transporter"] | undefined;
}

export interface RunningNode {
  readonly broker: ServiceBroker;
  readonly platform: Platform;
  readonly services: readonly string[];
  stop(): Promise<void>;
}

/** Starts services and workers as one node. Resolves when all have started; if it rejects, nothing is left running. */
export async function startNode({
  config,
  log,
  services: wanted,
  mailbox,
  transporter,
}: NodeOptions): Promise<RunningNode> {
  for (const warning of config.warnings) log.warn(warning);
  const services = selectServices(wanted);
  const platform = await createPlatform(config, { log, services, mailbox });
  const { metrics, health, tracing } = platform;
  const options = brokerOptions(config, { log, services, metrics, health, tracing });
  const broker = new ServiceBroker({ ...options, ...(transporter && { transporter }) });
  registerBrokerMetrics(platform.metrics.registry, broker, config.nats.url);
  const stop = async () => {
    if (services.includes("gateway")) await leaveBalancers(broker, config.http.shutdownDelayMs);
    await broker.stop();
    await platform.close();
  };
  try {
    for (const name of services) broker.createService(await loadService(name, platform));
    await broker.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { broker, platform, services, stop };
}

/** Readiness turns false first, and the door closes once load balancers have had time to notice. */
async function leaveBalancers(broker: ServiceBroker, delayMs: number): Promise<void> {
  broker.localBus.emit(NODE_LEAVING);
  if (delayMs > 0) await sleep(delayMs);
}
