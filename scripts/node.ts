import type { ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { type Config, ConfigError, type Environment, readConfig, withVariables } from "../lib/config/config.ts";
import { needsOf } from "../lib/config/service-needs.ts";
import { redirectConsole } from "../lib/observability/console.ts";
import { createLog } from "../lib/observability/log.ts";
import { registerProcessMetrics } from "../lib/observability/metrics.ts";
import { withNodeId } from "../moleculer.config.ts";
import { findLocalMesh } from "./run/mesh-lock-file.ts";
import { serveNodeHealth } from "./run/node-health.ts";
import { withAppPort } from "./run/port.ts";
import { seedAdmin } from "./run/seed-admin.ts";
import { selectServices } from "./run/service-files.ts";
import { startNode } from "./run/start-node.ts";
import { runUntilStopped } from "./run/terminal.ts";

/** `SERVICES=auth npm run node`: one node of a mesh with external servers. */
async function runNode(env: Environment, stack: AsyncDisposableStack): Promise<void> {
  const given = readConfig(await withLocalMesh(env));
  const config = withNodeId(given, selectServices(given.services));
  const { database, keys } = needsOf(config.services);
  const required = {
    NATS_URL: config.nats.url,
    ...(database && { DATABASE_URL: config.database.url }),
    ...(keys.length > 0 && { SECRET_KEY: config.secretKey ?? config.derivedKeys }),
  };
  const missing = Object.entries(required).filter(([, value]) => value === undefined);
  if (missing.length > 0)
    throw new ConfigError(
      missing.map(
        ([name]) => `${name} must be set for \`npm run node\`, or \`npm run mesh\` must run on this machine.`,
      ),
    );
  const log = createLog(config.log).child({ node: config.nodeId });
  redirectConsole(log);
  const node = await startNode({ config, log, services: config.services });
  let closeHealth: (() => Promise<void>) | undefined;
  // Closed last, so that probes see "not ready" while the node finishes its work.
  stack.defer(async () => closeHealth?.());
  stack.defer(node.stop);
  registerProcessMetrics(node.platform.metrics.registry);
  if (config.nodeHealth.port !== undefined)
    closeHealth = await serveNodeHealth(node.broker, node.platform, {
      host: config.nodeHealth.host,
      port: config.nodeHealth.port,
    });
  log.info({ services: node.services }, "node ready");
  process.send?.({ ready: node.broker.nodeID });
  if (node.services.includes("auth") && config.admin.password !== undefined)
    void seedWhenPossible(node.broker, config, log);
}

/** If nothing says which mesh to join, it is the one that `npm run mesh` runs on this machine. */
async function withLocalMesh(env: Environment): Promise<Environment> {
  const { database, nats, secretKey, dataDir } = readConfig(env);
  if (database.url !== undefined || nats.url !== undefined || secretKey !== undefined) return env;
  const mesh = await findLocalMesh(dataDir);
  if (mesh?.env.DATABASE_URL === undefined) return env;
  return withAppPort(withVariables(env, mesh.env));
}

/** Creates the first administrator of a mesh that is started node by node, once the services it takes are up. */
async function seedWhenPossible(broker: ServiceBroker, config: Config, log: Logger): Promise<void> {
  await broker.waitForServices(["users", "sessions"]).catch(() => undefined);
  await seedAdmin(broker, config).catch((error: Error) =>
    log.warn({ error: error.message }, "creating the administrator failed"),
  );
}

await runUntilStopped((stack) => runNode(process.env, stack));
