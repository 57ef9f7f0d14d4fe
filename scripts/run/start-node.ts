import { ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import type { Config } from "../../lib/config/config.ts";
import { registerBrokerMetrics } from "../../lib/observability/metrics.ts";
import { createPlatform } from "../../lib/runtime/create-platform.ts";
import type { DevMailbox, Platform } from "../../lib/runtime/platform.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { loadService, selectServices } from "./service-files.ts";

interface NodeOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Names as in SERVICES; empty: all. */
  readonly services: readonly string[];
  readonly mailbox?: DevMailbox | undefined;
}

export interface RunningNode {
  readonly broker: ServiceBroker;
  readonly platform: Platform;
  readonly services: readonly string[];
  stop(): Promise<void>;
}

/** Starts services and workers as one node. Resolves when all have started; if it rejects, nothing is left running. */
export async function startNode({ config, log, services: wanted, mailbox }: NodeOptions): Promise<RunningNode> {
  for (const warning of config.warnings) log.warn(warning);
  const services = selectServices(wanted);
  const platform = await createPlatform(config, { log, services, mailbox });
  const broker = new ServiceBroker(brokerOptions(config, { log, services }));
  registerBrokerMetrics(platform.metrics.registry, broker);
  const stop = async () => {
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
