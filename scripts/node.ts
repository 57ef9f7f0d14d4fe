import type { ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { type Config, ConfigError, type Environment, readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/observability/log.ts";
import { registerProcessMetrics } from "../lib/observability/metrics.ts";
import { serveNodeHealth } from "./run/node-health.ts";
import { seedAdmin } from "./run/seed-admin.ts";
import { startNode } from "./run/start-node.ts";
import { runUntilStopped } from "./run/terminal.ts";

/** `SERVICES=auth npm run node`: one node of a mesh with external servers. */
async function runNode(env: Environment, stack: AsyncDisposableStack): Promise<void> {
  const config = readConfig(env);
  const required = { DATABASE_URL: config.database.url, NATS_URL: config.nats.url, SECRET_KEY: config.secretKey };
  const missing = Object.entries(required).filter(([, value]) => value === undefined);
  if (missing.length > 0)
    throw new ConfigError(
      missing.map(([name]) => `${name} must be set for \`npm run node\`. \`npm start\` brings its own servers.`),
    );
  const log = createLog(config.log);
  const node = await startNode({ config, log, services: config.services });
  let closeHealth: (() => Promise<void>) | undefined;
  // Closed last, so that probes see "not ready" while the node finishes its work.
  stack.defer(async () => closeHealth?.());
  stack.defer(node.stop);
  registerProcessMetrics(node.platform.metrics.registry);
  if (config.nodeHealth.port !== undefined)
    closeHealth = await serveNodeHealth(node.broker, node.platform.metrics.registry, config, {
      host: config.nodeHealth.host,
      port: config.nodeHealth.port,
    });
  log.info({ node: node.broker.nodeID, services: node.services }, "node ready");
  process.send?.({ ready: node.broker.nodeID });
  if (node.services.includes("auth") && config.admin.password !== undefined)
    void seedWhenPossible(node.broker, config, log);
}

/** Creates the first administrator of a mesh that is started node by node, once the services it takes are up. */
async function seedWhenPossible(broker: ServiceBroker, config: Config, log: Logger): Promise<void> {
  await broker.waitForServices(["users", "sessions"]).catch(() => undefined);
  await seedAdmin(broker, config).catch((error: Error) =>
    log.warn({ error: error.message }, "creating the administrator failed"),
  );
}

await runUntilStopped((stack) => runNode(process.env, stack));
