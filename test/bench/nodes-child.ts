import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import pino from "pino";
import { readConfig } from "../../lib/config/config.ts";
import { brokerOptions } from "../../moleculer.config.ts";

/** Simulated nodes of test/bench/nodes.ts, several in this process. */
interface Share {
  /** This process has the nodes `first`, `first + step`, ... of `nodes`. */
  readonly first: number;
  readonly step: number;
  readonly nodes: number;
}

const infos = JSON.parse(readFileSync(process.env.INFOS ?? "", "utf8")) as ReadonlyArray<{
  readonly services: ReadonlyArray<{ readonly name: string; readonly actions: Readonly<Record<string, object>> }>;
}>;
const config = readConfig({ NODE_ENV: "test", NATS_URL: process.env.NATS_URL });
const brokers: ServiceBroker[] = [];

async function startNode(n: number): Promise<void> {
  const options = brokerOptions(config, { log: pino({ level: "silent" }), services: [] });
  const broker = new ServiceBroker({ ...options, namespace: "simulated", nodeID: `simulated-${n}` });
  for (const schema of schemasOf(infos[n % infos.length])) broker.createService(schema);
  brokers.push(broker);
  await broker.start();
}

/** The services of a real node with actions that do nothing. */
function schemasOf(info: (typeof infos)[number] | undefined): ServiceSchema[] {
  return (info?.services ?? [])
    .filter(({ name }) => name !== "$node")
    .map(({ name, actions }) => ({
      name,
      actions: Object.fromEntries(
        Object.entries(actions).map(([full, action]) => [full.slice(name.length + 1), { ...action, handler: () => 0 }]),
      ),
    }));
}

async function allKnow(nodes: number): Promise<void> {
  const knows = (broker: ServiceBroker) => broker.registry.nodes.list({ onlyAvailable: true }).length >= nodes;
  while (!brokers.every(knows)) await sleep(5);
}

process.on("message", async (said: Share | "another") => {
  if (said === "another") {
    const [broker] = brokers;
    const known = broker?.registry.nodes.list({ onlyAvailable: true }).length ?? 0;
    const began = performance.now();
    await startNode(known);
    await allKnow(known + 1);
    process.send?.(performance.now() - began);
    return;
  }
  const { first, step, nodes } = said;
  for (let n = first; n < nodes; n += step) await startNode(n);
  await allKnow(nodes);
  process.send?.("ready");
});
process.on("disconnect", () => process.exit());
