import type { BrokerOptions } from "moleculer";
import type { Logger } from "pino";
import type { Config } from "../../lib/config/config.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { joinLocalBus } from "./local-bus.ts";

/** Options of a node that joins this bus without offering services. */
export function memberOptions(
  config: Config,
  bus: string,
  { log, name }: { log: Logger; name: string },
): BrokerOptions {
  const member = { ...config, nodeId: undefined };
  const parts = { log, services: [name] };
  if (!bus.startsWith("unix:")) return brokerOptions({ ...member, nats: { url: bus } }, parts);
  return { ...brokerOptions({ ...member, nats: { url: undefined } }, parts), transporter: joinLocalBus(bus) };
}
